import { readFileSync } from "node:fs";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { ConfigError } from "./document.ts";

/** The document in a YAML file. @throws ConfigError where the file cannot be read or is not YAML. */
export function readYamlFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new ConfigError([`CONFIG_FILE: ${file} cannot be read`]);
  }
  try {
    return parseYaml(text);
  } catch (error) {
    const why = error instanceof YAMLParseError ? yamlFault(error) : "cannot be read";
    throw new ConfigError([`${file}: is not YAML: ${why}`]);
  }
}

/** Why and where, in words of ours: the parser quotes the line, and a line may hold a secret. */
function yamlFault({ code, linePos }: YAMLParseError): string {
  const [at] = linePos ?? [];
  const where = at === undefined ? "" : ` in line ${at.line}, column ${at.col}`;
  return `${code.toLowerCase().replaceAll("_", " ")}${where}`;
}
