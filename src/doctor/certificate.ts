import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

/** A server's certificate. */
export interface ServerCertificate {
  /** Unix milliseconds. */
  readonly ends: number;
  /** Why it is not trusted, in OpenSSL's words; absent where it is. */
  readonly distrusted?: string | undefined;
}

/** Where a certificate is shown, and how it is judged. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** PEM certificates by which it is judged, in place of those that Node knows. */
  readonly ca?: string | undefined;
  /** PostgreSQL is asked for TLS in its own words first. */
  readonly postgres?: boolean | undefined;
}

/** Shakes hands and reads the certificate, trusted or not. @throws Error where nobody answers, or not over TLS. */
export async function certificateAt(address: ServerAddress, signal: AbortSignal): Promise<ServerCertificate> {
  const socket = await connected(address, signal);
  try {
    const { ca, host } = address;
    const secured = await secure(socket, {
      ...(ca === undefined ? {} : { ca }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      host,
    });
    const certificate = secured.getPeerX509Certificate();
    if (certificate === undefined) throw new Error("it shows no certificate");
    const { authorizationError } = secured;
    return {
      ends: Date.parse(certificate.validTo),
      ...(secured.authorized ? {} : { distrusted: textOf(authorizationError) }),
    };
  } finally {
    socket.destroy();
  }
}

async function connected({ host, port, postgres = false }: ServerAddress, signal: AbortSignal): Promise<Socket> {
  const socket = connectPlain({ host, port, signal });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject).once("connect", resolve);
  });
  if (!postgres) return socket;
  socket.write(sslRequest);
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once("error", reject).once("data", resolve);
  });
  if (answer.toString("latin1") !== "S") throw new Error("it has no TLS");
  return socket;
}

/** PostgreSQL's SSLRequest: its length, and the number that means it. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

async function secure(socket: Socket, options: object): Promise<TLSSocket> {
  return await new Promise((resolve, reject) => {
    // What is not trusted is read all the same: why it is not is what is asked.
    const secured = connectTls({ ...options, socket, rejectUnauthorized: false }, () => resolve(secured));
    secured.once("error", reject);
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
