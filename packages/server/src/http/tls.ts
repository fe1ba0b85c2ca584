import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { CenterError, messageOf } from "../errors.js";

/**
 * The certificate chain and key in those PEM files, as options of `createHttpServer`; none where they are not set.
 * @throws CenterError CONFIG_INVALID where a file cannot be read, or they do not hold a certificate and its key.
 */
export function tlsOf(
  certFile: string | undefined,
  keyFile: string | undefined,
): { tls?: { cert: string; key: string } } {
  if (certFile === undefined || keyFile === undefined) return {};
  const tls = { cert: readPem(certFile), key: readPem(keyFile) };
  try {
    createSecureContext(tls);
  } catch (error) {
    const text = `${certFile} and ${keyFile} do not hold a certificate and its key: ${messageOf(error)}`;
    throw new CenterError("CONFIG_INVALID", text, { cause: error });
  }
  return { tls };
}

/**
 * The certificate authority in that PEM file.
 * @throws CenterError CONFIG_INVALID where the file cannot be read, or holds no certificate.
 */
export function readCa(file: string): string {
  const ca = readPem(file);
  try {
    new X509Certificate(ca);
  } catch (error) {
    throw new CenterError("CONFIG_INVALID", `${file} does not hold a certificate: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return ca;
}

/** @throws CenterError CONFIG_INVALID where the file cannot be read. */
export function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CenterError("CONFIG_INVALID", `cannot read the PEM file: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
