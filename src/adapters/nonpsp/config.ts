import type { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";

/** One merchant's settings: which payments are meant. Nobody is asked, so that there is no address to give and no secret to keep. */
export const config = commonConfig.extend({
  apiUrl: commonConfig.shape.apiUrl.default("http://nonpsp.invalid"),
});

export type Config = Readonly<z.infer<typeof config>>;
