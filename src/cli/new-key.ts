/** Makes a master key for `URL_SIGNING_KEYS`, an admin token, or a secret for `ALERT_SECRET`: 32 random bytes. `npm run new-key`. */
import { randomBytes } from "node:crypto";
import { commandNamed, run } from "./command.ts";

await run(
  commandNamed("new-key", "Makes a master key for URL_SIGNING_KEYS, or an admin token.")
    .option("--alerts", "makes a secret for ALERT_SECRET instead")
    .action(({ alerts }: { readonly alerts?: boolean }) => {
      const key = randomBytes(32);
      console.log(alerts === true ? `whsec_${key.toString("base64")}` : key.toString("base64url"));
    }),
);
