import type { z } from "zod";
import { klarnaConfig, withCredentials } from "../_klarna/config.ts";

/** One merchant's settings: Klarna's, and no more. */
export const config = withCredentials(klarnaConfig);

export type Config = Readonly<z.infer<typeof config>>;
