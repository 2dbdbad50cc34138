import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { callbackUrl } from "../../src/signatures/urls.ts";
import { loadAdapters } from "../../src/adapters/registry.ts";
import { openPlace } from "../support/processes.ts";
import { signingKeysOf } from "../support/signing.ts";
import { until } from "../support/until.ts";

const keys = { old: "canary-signing-key", new: "canary-newer-signing-key" };
const admins = { old: "canary-admin-token", new: "canary-newer-admin-token" };
const norceToken = "canary-norce-token";

/** As an editor or a mounted secret does it: the file is there whole, or as it was. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

test("keys, tokens and credentials are changed under a running service, without a gap", async () => {
  const place = await openPlace(onTestFinished, true);
  const [env, file] = [join(place.folder, ".env"), join(place.folder, "config.yaml")];
  const good = JSON.parse(readFileSync(file, "utf8")) as {
    norce: object;
    merchants: { acme: { se: { "klarna-checkout": Record<string, unknown> } } };
  };
  const settings = good.merchants.acme.se["klarna-checkout"];
  const documentWith = (token: unknown, more: object): string =>
    JSON.stringify({
      norce: { ...good.norce, token },
      merchants: { acme: { se: { "klarna-checkout": { ...settings, ...more } } } },
    });
  const environmentWith = (urlKeys: string[], adminTokens: string[]): string =>
    `URL_SIGNING_KEYS=${urlKeys.join(",")}\nADMIN_TOKEN=${adminTokens.join(",")}\nNORCE_TOKEN=${norceToken}\n`;

  // Norce's primary token is gone, the secondary works; the PSP's password is wrong.
  replace(env, environmentWith([keys.old], [admins.old]));
  replace(file, documentWith(["canary-primary-token", "${NORCE_TOKEN}"], { password: "canary-wrong-password" }));
  const unset = { URL_SIGNING_KEYS: undefined, ADMIN_TOKEN: undefined, NORCE_TOKEN: undefined };
  const { program, url } = await place.serve("start.ts", unset);
  const reloaded = async (times: number): Promise<void> =>
    await until(
      () => program.logged("config.reloaded").length >= times,
      `config.reloaded; ${program.output()}`,
      30_000,
    );
  const refused = (peer: string): readonly unknown[] =>
    program.logged("credential.refused").filter((line) => line["peer"] === peer);

  const first = place.purchase();
  expect(await first.push(url)).toBe(200);
  await until(() => refused("klarna-checkout").length > 0, "the PSP to refuse us", 30_000);
  expect(first.state()).toBe("intent");

  // What is faulty changes nothing.
  replace(file, documentWith("${NOBODY_SET_IT}", { password: "", apiUrl: "no url" }));
  process.kill(program.pid, "SIGHUP");
  await until(() => program.logged("config.refused").length === 1, "the refusal", 30_000);
  expect(program.logged("config.refused")[0]?.["faults"]).toHaveLength(3);
  expect(await first.push(url)).toBe(200);

  // The file alone, without a signal.
  replace(file, documentWith(["canary-primary-token", "${NORCE_TOKEN}"], {}));
  await reloaded(1);
  expect(await first.push(url)).toBe(200);
  await first.reaches("reserved");
  // Told once, however often Norce was asked meanwhile.
  expect(refused("norce")).toMatchObject([{ place: 1 }]);

  // URL keys and admin tokens: both, then the new ones alone.
  const klarna = (await loadAdapters(["klarna-checkout"])).get("klarna-checkout");
  if (klarna === undefined) throw new Error("there is no klarna-checkout");
  const status = async (key: string): Promise<number> => {
    const to = callbackUrl({ publicUrl: url, keys: signingKeysOf(key) }, klarna, first.key, "push");
    return (await fetch(to.replace("{checkout.order.id}", first.reference), { method: "POST" })).status;
  };
  const reported = async (token: string): Promise<number> =>
    (await fetch(`${url}/report`, { headers: { authorization: `Bearer ${token}` } })).status;
  const answers = async (): Promise<readonly number[]> => [
    await status(keys.old),
    await status(keys.new),
    await reported(admins.old),
    await reported(admins.new),
  ];
  expect(await answers()).toEqual([200, 401, 200, 401]);
  replace(env, environmentWith([keys.new, keys.old], [admins.new, admins.old]));
  process.kill(program.pid, "SIGHUP");
  await reloaded(2);
  expect(await answers()).toEqual([200, 200, 200, 200]);
  replace(env, environmentWith([keys.new], [admins.new]));
  process.kill(program.pid, "SIGHUP");
  await reloaded(3);
  expect(await answers()).toEqual([401, 200, 401, 200]);

  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('norce_psp_config_reloads_total{result="reloaded"} 3');
  expect(metrics).toContain('norce_psp_config_reloads_total{result="refused"} 1');
  for (const secret of place.secrets()) expect(program.output()).not.toContain(secret);
  expect(program.output()).not.toMatch(/canary-(?:newer|primary|wrong)/);
});
