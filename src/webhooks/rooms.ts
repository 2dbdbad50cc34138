import type { PaymentKey } from "../contract/adapter.ts";
import { NotTaken, tooMany } from "./answers.ts";

/** A place in a room, for the body of one request. */
export interface Place {
  /** Takes room for so many bytes more. @throws NotTaken where there is none. */
  grow(bytes: number): void;
  /** From here on nobody takes the place away: the body is there, and is being judged. */
  readonly settle: () => void;
  readonly leave: () => void;
}

/** Where the bodies of requests are held, so that what is held at once is bounded. */
export interface Room {
  /**
   * Lets a request in. @throws NotTaken where there are too many already.
   * @param thrownOut called where the place is given to somebody else before the body has come.
   */
  enter(thrownOut: () => void): Place;
}

/** What a room holds at most. */
export interface Bounds {
  readonly bytes: number;
  readonly requests: number;
}

/** Bodies that are on their way, in the order in which they came; those that are there are not among them. */
type Arriving = Map<Place, { bytes: number; readonly thrownOut: () => void }>;

/** Bytes that several rooms share. */
export interface Pool {
  readonly most: number;
  used: number;
  readonly arriving: Arriving;
}

/**
 * A room. Only what has arrived counts: who announces a body and sends nothing takes no room. Where it is full, the body that has been on its
 * way longest gives way to the one that arrives: genuine ones arrive in an instant. Where all rooms together are, it is the one that has been
 * on its way longest in any of them: who fills other merchants' rooms takes nothing from this one.
 */
export function createRoom({ bytes: most, requests }: Bounds, pool?: Pool): Room {
  const arriving: Arriving = new Map();
  let inside = 0;
  let used = 0;

  /** Where something has to give way before so much fits; `undefined`: it fits. */
  const fullFor = (bytes: number): Arriving | undefined => {
    if (used + bytes > most) return arriving;
    return pool !== undefined && pool.used + bytes > pool.most ? pool.arriving : undefined;
  };

  return {
    enter(thrownOut) {
      if (inside >= requests && !makeWay(arriving, 0)) throw new NotTaken(tooMany);
      inside += 1;
      const held = { bytes: 0, thrownOut };
      let left = false;
      const place: Place = {
        grow(bytes) {
          for (let full = fullFor(bytes); full !== undefined; full = fullFor(bytes))
            if (!makeWay(full, 1, place)) throw new NotTaken(tooMany);
          used += bytes;
          held.bytes += bytes;
          if (pool !== undefined) pool.used += bytes;
        },
        settle() {
          arriving.delete(place);
          pool?.arriving.delete(place);
        },
        leave() {
          if (left) return;
          left = true;
          inside -= 1;
          used -= held.bytes;
          if (pool !== undefined) pool.used -= held.bytes;
          place.settle();
        },
      };
      arriving.set(place, held);
      pool?.arriving.set(place, held);
      return place;
    },
  };
}

/** Throws out whoever has been on its way longest, and holds so many bytes at least. @returns whether there is one */
function makeWay(arriving: Arriving, leastBytes: number, own?: Place): boolean {
  for (const [place, { bytes, thrownOut }] of arriving) {
    if (place === own || bytes < leastBytes) continue;
    place.leave();
    thrownOut();
    return true;
  }
  return false;
}

const megabyte = 1024 * 1024;
/** What its URL has proven: more at once than this are asked to come again, so that what is held stays bounded. */
const proven: Bounds = { bytes: 64 * megabyte, requests: 1_000 };
/** What has yet to be proven: a small room per adapter and merchant, and a larger one for all of them together. */
const unproven: Bounds = { bytes: 2 * megabyte, requests: 4_000 };
const allUnproven = 24 * megabyte;

/** The rooms of this process. Ask only for adapters and merchants that are configured: rooms are kept. */
export function createRooms(): (target: Pick<PaymentKey, "adapter" | "merchant">, trusted: boolean) => Room {
  const pool: Pool = { most: allUnproven, used: 0, arriving: new Map() };
  const trustedRoom = createRoom(proven);
  const strangers = new Map<string, Room>();
  return ({ adapter, merchant }, trusted) => {
    if (trusted) return trustedRoom;
    const name = `${adapter}\n${merchant}`;
    const known = strangers.get(name) ?? createRoom(unproven, pool);
    strangers.set(name, known);
    return known;
  };
}
