import { z } from "zod";
import { isoFrom } from "./time.ts";

/** A PSP's time in whichever spelling, as ISO 8601: what says it all stays as it is written, everything else is what `isoFrom` makes of it. */
export const saidTime = z.union([
  z.iso.datetime({ offset: true }),
  z.string().transform((said, context) => {
    const time = isoFrom(said);
    if (time !== undefined) return time;
    context.addIssue("is no time");
    return z.NEVER;
  }),
]);

/** A PSP's time in whichever spelling, in UTC; left out where it is none. */
export const utcTime = z.string().transform(isoFrom).optional().catch(undefined);
