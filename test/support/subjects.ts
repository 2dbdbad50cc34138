import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyAdapter, Json, RawRequest, Target } from "../../src/adapters/adapter.ts";
import { adapterFolders, loadAdapters, loadSimulator } from "../../src/adapters/registry.ts";

const adaptersPath = join(import.meta.dirname, "../../src/adapters");

/** What the `sig` in every `request.json` was made with. */
export const fixtureSigningKey = "signing-key-1";

/** A webhook as a fixture keeps it. */
export interface RequestFixture {
  readonly webhook: string;
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One folder of `fixtures/`. */
export interface Fixture {
  readonly name: string;
  readonly snapshot: Json;
  readonly desired: unknown;
  /** Empty where there is none. */
  readonly source: string;
  readonly request?: RequestFixture;
}

/** An adapter under test: everything its folder holds. */
export interface Subject {
  readonly folder: string;
  readonly path: string;
  readonly adapter: AnyAdapter;
  readonly fixtures: readonly Fixture[];
  /** Those of its fixtures that have a `request.json`. */
  readonly requests: readonly (Fixture & { readonly request: RequestFixture })[];
  /** Settings with which the adapter talks to its simulator at this address, as a merchant would write them. */
  settings(apiUrl: string): Promise<Readonly<Record<string, string>>>;
}

/** Every adapter folder, because it exists. */
export async function loadSubjects(): Promise<readonly Subject[]> {
  const adapters = await loadAdapters();
  return (await adapterFolders()).map((folder) => {
    const adapter = adapters.get(folder);
    if (adapter === undefined) throw new Error(`${folder} was not loaded`);
    const path = join(adaptersPath, folder);
    const fixtures = fixturesIn(join(path, "fixtures"));
    return {
      folder,
      path,
      adapter,
      fixtures,
      requests: fixtures.flatMap((fixture) =>
        fixture.request === undefined ? [] : [{ ...fixture, request: fixture.request }],
      ),
      settings: async (apiUrl) => {
        const simulator = await loadSimulator(folder, { timeScale: 0 });
        if (simulator === undefined) throw new Error(`add ${folder}/simulator.ts, the PSP with a memory`);
        return { adapterId: `acme_${folder}`, ...simulator.settings(apiUrl) };
      },
    };
  });
}

/** The fixture's webhook as it comes over the wire, and whose it is. */
export function receivedFrom(folder: string, request: RequestFixture): { request: RawRequest; target: Target } {
  const { pathname, searchParams: query } = new URL(request.url, "http://localhost");
  const [, orderId, paymentId] = /\/orders\/([^/]+)\/payments\/([^/]+)\//.exec(pathname) ?? [];
  return {
    request: {
      method: request.method,
      url: request.url,
      query,
      headers: request.headers,
      body: Buffer.from(request.body, "utf8"),
    },
    target: {
      adapter: folder,
      merchant: query.get("merchant") ?? "",
      channel: query.get("channel") ?? "",
      ...(orderId === undefined || paymentId === undefined
        ? {}
        : { orderId: decodeURIComponent(orderId), paymentId: decodeURIComponent(paymentId) }),
    },
  };
}

function fixturesIn(path: string): Fixture[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .toSorted()
    .map((name) => {
      const textOf = (file: string): string | undefined => {
        const full = join(path, name, file);
        return existsSync(full) ? readFileSync(full, "utf8") : undefined;
      };
      const json = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));
      const request = json(textOf("request.json")) as RequestFixture | undefined;
      return {
        name,
        snapshot: json(textOf("snapshot.json")) as Json,
        desired: json(textOf("desired.json")),
        source: textOf("source.md") ?? "",
        ...(request === undefined ? {} : { request }),
      };
    });
}
