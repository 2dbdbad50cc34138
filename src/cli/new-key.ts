/** Makes a master key for `URL_SIGNING_KEYS`, or an admin token: 32 random bytes as base64url. `npm run new-key`. */
import { randomBytes } from "node:crypto";
import { commandNamed, run } from "./command.ts";

await run(
  commandNamed("new-key", "Makes a master key for URL_SIGNING_KEYS, or an admin token.").action(() => {
    console.log(randomBytes(32).toString("base64url"));
  }),
);
