/** The agent: one page about the sources, in the words of a model. It is nobody's to trust. */
import { readdir, readFile, writeFile } from "node:fs/promises";

const names = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
const sources = await Promise.all(names.map(async (name) => `// ${name}\n${await readFile(`src/${name}`, "utf8")}`));
const response = await fetch("https://api.anthropic.com/v1/messages", {
  method: "POST",
  headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
  body: JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 4096,
    messages: [
      { role: "user", content: `Describe these sources for their users, in Markdown:\n\n${sources.join("\n")}` },
    ],
  }),
});
if (!response.ok) throw new Error(`the model answered ${response.status}: ${await response.text()}`);
const { content } = await response.json();
const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
await writeFile("docs/reference.md", `# Reference\n\n${text}\n`);
