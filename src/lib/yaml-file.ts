import { readFileSync } from "node:fs";
import { parseDocument, type YAMLError } from "yaml";
import { ConfigError } from "./document.ts";

/** The document in a YAML file. @throws ConfigError where the file cannot be read or is not YAML. */
export function readYamlFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new ConfigError([`CONFIG_FILE: ${file} cannot be read`]);
  }
  // The parser would tell of its doubts by itself, with the line in which they stand.
  const document = parseDocument(text, { logLevel: "error" });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw new ConfigError(faults.map((fault) => `${file}: is not YAML: ${yamlFault(fault)}`));
  try {
    return document.toJS() as unknown;
  } catch {
    throw new ConfigError([`${file}: is not YAML: cannot be read`]);
  }
}

/** Why and where, in words of ours: the parser quotes the line, and a line may hold a secret. */
function yamlFault({ code, linePos }: YAMLError): string {
  const [at] = linePos ?? [];
  const where = at === undefined ? "" : ` in line ${at.line}, column ${at.col}`;
  return `${code.toLowerCase().replaceAll("_", " ")}${where}`;
}
