import type { IncomingMessage } from "node:http";
import { WorkerError } from "../lib/errors.ts";
import { NotTaken, tooLarge, tooMany, tooSlow } from "./answers.ts";
import type { Place, Room } from "./rooms.ts";

/** How much of a body is read, where it is held meanwhile, and for how long it is waited for. */
export interface BodyRules {
  readonly limitBytes: number;
  readonly room: Room;
  /** Absent: as long as a request may take. */
  readonly patienceMs?: number | undefined;
}

/** A body that is on its way. */
interface Arrival {
  readonly body: Promise<Buffer>;
  /** Reads no more, and forgets what has come. */
  stop(error: Error): void;
}

const empty = Buffer.alloc(0);
/** What changes a body's bytes; whatever else stands in `content-encoding` is no coding (RFC 9110, 8.4.1), such as `utf-8`. */
const codings = /^(?:gzip|x-gzip|deflate|br|zstd|compress|x-compress|dcb|dcz)$/i;

/** A body that has come. It takes room until `leave` is called. */
export interface HeldBody {
  readonly bytes: Buffer;
  leave(): void;
}

/**
 * Reads a body.
 * @throws NotTaken for one that is too large, too slow, or one too many. @throws WorkerError `MalformedWebhook` for one that is encoded or
 * ends too soon.
 */
export async function readBody(
  request: IncomingMessage,
  { limitBytes, room, patienceMs }: BodyRules,
): Promise<HeldBody> {
  const encoding = request.headers["content-encoding"] ?? "";
  if (encoding.split(",").some((coding) => codings.test(coding.trim())))
    throw new WorkerError("MalformedWebhook", "an encoded body is not read");
  const announced = Number(request.headers["content-length"] ?? Number.NaN);
  if (announced > limitBytes) throw new NotTaken(tooLarge);
  const place = room.enter(() => arrival?.stop(new NotTaken(tooMany)));
  // Some PSPs send webhooks without a body: there is nothing to wait for.
  const arrival = announced === 0 ? undefined : arrivalOf(request, limitBytes, place);
  const timer =
    arrival === undefined || patienceMs === undefined
      ? undefined
      : setTimeout(() => arrival.stop(new NotTaken(tooSlow)), patienceMs);
  try {
    const bytes = (await arrival?.body) ?? empty;
    place.settle();
    return { bytes, leave: place.leave };
  } catch (error) {
    place.leave();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function arrivalOf(request: IncomingMessage, limitBytes: number, place: Place): Arrival {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let chunks: Buffer[] = [];
  let bytes = 0;
  const stop = (error: Error): void => {
    // What is still to come flows past, and is kept by nobody.
    request.off("data", onData);
    chunks = [];
    reject(error);
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    try {
      if (bytes > limitBytes) throw new NotTaken(tooLarge);
      place.grow(chunk.length);
      chunks.push(chunk);
    } catch (error) {
      stop(error instanceof Error ? error : new Error("no room", { cause: error }));
    }
  };
  const cutShort = (): void => {
    // Whatever came to its end is closed as well: only what did not was cut short.
    if (!request.readableEnded) stop(new WorkerError("MalformedWebhook", "the request ended too soon"));
  };
  request.on("data", onData);
  request.once("end", () => resolve(chunks.length === 1 ? (chunks[0] ?? empty) : Buffer.concat(chunks)));
  request.once("error", cutShort).once("close", cutShort);
  return { body: promise, stop };
}
