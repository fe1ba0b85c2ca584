import { utf8Length } from "@websocket-center/protocol";
import { z } from "zod";
import { isLoopbackHost } from "../loopback.js";
import { ADDRESS_FORM, isAddress, isAddressRange, isHost } from "./addresses.js";

/** What values an option takes. */
export interface OptionKind<T> {
  /** `flag` options need no value on the command line; `secret` ones never have their value there. */
  input: "value" | "flag" | "secret";
  /** What stands for the value in usage lines: `ms` in `--call-timeout-ms <ms>`. */
  placeholder: string;
  /** Completes "expected ...". */
  allowed: string;
  /** Turns the text of a flag or variable into a candidate. Text that is no such value stays, and `schema` refuses it. */
  fromText: (text: string) => unknown;
  /** Checks a candidate: from text, from a JSON file, or from a program. */
  schema: z.ZodType<T>;
}

/** A port to listen on; 0 takes any free one. */
export function port(): OptionKind<number> {
  return {
    input: "value",
    placeholder: "port",
    allowed: "a port from 0 to 65535, 0 for any free one",
    fromText: wholeNumber,
    schema: z.int().min(0).max(65_535),
  };
}

/** A whole number. `unit` is a plural noun (`connections`), or `ms` for milliseconds. Both bounds are allowed. */
export function integer(range: { min: number; max: number; unit: string }): OptionKind<number> {
  const { min, max, unit } = range;
  return {
    input: "value",
    placeholder: unit,
    allowed: `a whole number of ${unit === "ms" ? "milliseconds" : unit} from ${min} to ${max}`,
    fromText: wholeNumber,
    schema: z.int().min(min).max(max),
  };
}

/** How many, or `auto`. */
export function countOrAuto(range: { max: number; unit: string }): OptionKind<number | "auto"> {
  const { max, unit } = range;
  return {
    input: "value",
    placeholder: unit,
    allowed: `a number of ${unit} from 1 to ${max}, or \`auto\``,
    fromText: (text) => (text.trim().toLowerCase() === "auto" ? "auto" : wholeNumber(text)),
    schema: z.union([z.int().min(1).max(max), z.literal("auto")]),
  };
}

const booleanWords = new Map([
  ["1", true],
  ["true", true],
  ["yes", true],
  ["on", true],
  ["0", false],
  ["false", false],
  ["no", false],
  ["off", false],
]);

export function boolean(): OptionKind<boolean> {
  return {
    input: "flag",
    placeholder: "boolean",
    allowed: "true or false (also 1, yes, on; 0, no, off)",
    fromText: (text) => booleanWords.get(text.trim().toLowerCase()) ?? text,
    schema: z.boolean(),
  };
}

export function enumeration<const T extends string>(values: readonly T[]): OptionKind<T> {
  return {
    input: "value",
    placeholder: "name",
    allowed: `one of ${values.join(", ")}`,
    fromText: (text) => text.trim().toLowerCase(),
    schema: z.enum(values),
  };
}

/** Text that is not empty and passes `isRight`. */
export function text(form: {
  placeholder: string;
  allowed: string;
  isRight: (text: string) => boolean;
}): OptionKind<string> {
  return {
    input: "value",
    placeholder: form.placeholder,
    allowed: form.allowed,
    fromText: (text) => text.trim(),
    schema: z.string().refine((text) => text !== "" && form.isRight(text)),
  };
}

export function host(): OptionKind<string> {
  return text({
    placeholder: "host",
    allowed: "a host name or an IP address without brackets",
    isRight: isHost,
  });
}

/** An address for clients. It has no credentials, and no fragment (RFC 6455, 3). */
export function webSocketUrl(): OptionKind<string> {
  return text({
    placeholder: "url",
    allowed: "a ws:// or wss:// URL without credentials and fragment, of 2048 characters at most",
    isRight: isWebSocketUrl,
  });
}

/** The base of an HTTP API, with a path where a proxy adds one. */
export function httpUrl(): OptionKind<string> {
  return text({
    placeholder: "url",
    allowed: "an http:// or https:// URL without credentials, query and fragment, of 2048 characters at most",
    isRight: (text) => {
      if (text.length > 2048 || !URL.canParse(text)) return false;
      const { protocol, username, password } = new URL(text);
      return /^https?:$/.test(protocol) && username === "" && password === "" && !/[?#]/.test(text);
    },
  });
}

export function webSocketUrlList(): OptionKind<readonly string[]> {
  return list({
    placeholder: "urls",
    allowed:
      "a list of ws:// or wss:// URLs without credentials and fragment, each of 2048 characters at most",
    isRight: isWebSocketUrl,
  });
}

/** An address for clients in which `{port}` and `{worker}` stand for numbers. */
export function webSocketUrlTemplate(): OptionKind<string> {
  const filled = (text: string, number: number): string =>
    text.replaceAll("{port}", String(number)).replaceAll("{worker}", String(number));
  return text({
    placeholder: "url",
    allowed:
      "a ws:// or wss:// URL without credentials and fragment, in which `{port}` or `{worker}` tells workers apart",
    isRight: (text) => isWebSocketUrl(filled(text, 1)) && filled(text, 1) !== text,
  });
}

function isWebSocketUrl(text: string): boolean {
  if (text.length > 2048 || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^wss?:$/.test(protocol) && username === "" && password === "" && !text.includes("#");
}

/** Where keys come from that decide who is let in: nobody on the way may change them. */
export function jwksUrl(): OptionKind<string> {
  return text({
    placeholder: "url",
    allowed:
      "an https:// URL, or an http:// one of this machine (loopback), without credentials and fragment",
    isRight: (text) => {
      if (!URL.canParse(text)) return false;
      const { protocol, hostname, username, password } = new URL(text);
      const isSafe = protocol === "https:" || (protocol === "http:" && isLoopbackHost(hostname));
      return isSafe && username === "" && password === "" && !text.includes("#");
    },
  });
}

/**
 * The path of a file. Relative ones start where the process was started. It is read when the process starts.
 * @param allowed - default: a PEM file.
 */
export function filePath(allowed = "the path of a PEM file"): OptionKind<string> {
  return text({
    placeholder: "file",
    allowed,
    isRight: (text) => !text.includes("\0"),
  });
}

/** A list: separated by commas in text, empty items dropped. Every item passes `isRight`. */
export function list(form: {
  placeholder: string;
  allowed: string;
  isRight: (item: string) => boolean;
}): OptionKind<readonly string[]> {
  return {
    input: "value",
    placeholder: form.placeholder,
    allowed: form.allowed,
    fromText: splitAtCommas,
    schema: z.array(z.string().refine((item) => item !== "" && form.isRight(item))).readonly(),
  };
}

export function addressList(): OptionKind<readonly string[]> {
  return list({ placeholder: "addresses", allowed: `a list of ${ADDRESS_FORM}`, isRight: isAddress });
}

export function addressRangeList(): OptionKind<readonly string[]> {
  return list({
    placeholder: "ranges",
    allowed: "a list of IP addresses or networks like 10.0.0.0/8",
    isRight: isAddressRange,
  });
}

/** Origins as browsers send them (RFC 6454, 6.2): lower case, no path, no port that the scheme implies. */
export function originList(): OptionKind<readonly string[]> {
  return list({
    placeholder: "origins",
    allowed: "a list of origins like https://app.example.com, in lower case and without path or default port",
    isRight: (text) => {
      if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+$/.test(text)) return false;
      return /^https?:/.test(text) ? URL.canParse(text) && new URL(text).origin === text : true;
    },
  });
}

/** Secrets, each of `minBytes` or more, at most `maxItems`. Their values are never shown. */
export function secretList(limits: { minBytes: number; maxItems: number }): OptionKind<readonly string[]> {
  const { minBytes, maxItems } = limits;
  const count = maxItems === 2 ? "one secret, or two while one replaces the other" : "secrets";
  const size = minBytes > 1 ? `, each of ${minBytes} bytes or more` : "";
  const secret = z.string().refine((text) => utf8Length(text) >= minBytes && !/[\p{Cc},]/u.test(text));
  return {
    input: "secret",
    placeholder: "secrets",
    allowed: `${count}${size}, separated by commas, without line breaks`,
    fromText: splitAtCommas,
    schema: z.array(secret).max(maxItems).readonly(),
  };
}

function wholeNumber(text: string): unknown {
  return /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : text;
}

function splitAtCommas(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
