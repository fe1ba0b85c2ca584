import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { readText } from "../config/files.js";
import { variableOf } from "../config/names.js";
import { CenterError, messageOf } from "../errors.js";

type PemOption = "tlsCert" | "tlsKey" | "linkTlsCert" | "linkTlsKey" | "linkTlsCa" | "linkTlsClientCa";
type PemFiles = Partial<Record<PemOption, string | undefined>>;

/**
 * The certificate chain and key in the PEM files of those options, as options of `createHttpServer`; none where they
 * are not set.
 * @throws CenterError CONFIG_INVALID where a file cannot be read, or they do not hold a certificate and its key.
 */
export function tlsOf(
  config: PemFiles,
  certOption: "tlsCert" | "linkTlsCert",
  keyOption: "tlsKey" | "linkTlsKey",
): { tls?: { cert: string; key: string } } {
  const { [certOption]: certFile, [keyOption]: keyFile } = config;
  if (certFile === undefined || keyFile === undefined) return {};
  const tls = { cert: readPem(sourceOf(certOption), certFile), key: readPem(sourceOf(keyOption), keyFile) };
  try {
    createSecureContext(tls);
  } catch (error) {
    const text = `${certOption} ${certFile} and ${keyOption} ${keyFile} do not hold a certificate and its key: ${messageOf(error)}`;
    throw new CenterError("CONFIG_INVALID", text, { cause: error });
  }
  return { tls };
}

/**
 * The certificate authority in the PEM file of that option; undefined where it is not set.
 * @throws CenterError CONFIG_INVALID where the file cannot be read, or holds no certificate.
 */
export function caOf(config: PemFiles, option: "linkTlsCa" | "linkTlsClientCa"): string | undefined {
  const file = config[option];
  if (file === undefined) return undefined;
  const ca = readPem(sourceOf(option), file);
  try {
    new X509Certificate(ca);
  } catch (error) {
    const text = `${sourceOf(option)}: ${file} does not hold a certificate: ${messageOf(error)}`;
    throw new CenterError("CONFIG_INVALID", text, { cause: error });
  }
  return ca;
}

/**
 * @param source - what named the file, for the error.
 * @throws CenterError CONFIG_INVALID where the file cannot be read.
 */
export function readPem(source: string, file: string): string {
  const read = readText(file);
  if ("text" in read) return read.text;
  throw new CenterError("CONFIG_INVALID", `${source}: ${file} cannot be read: ${read.problem}`);
}

function sourceOf(option: PemOption): string {
  return `${option} (${variableOf(option)})`;
}
