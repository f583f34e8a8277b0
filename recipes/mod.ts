/**
 * The recipes that Cofferdam brings along.
 *
 * @module
 */
import type { Recipe } from "../src/mod.ts";
import { claudeCode } from "./agents/claude-code.ts";
import { codex } from "./agents/codex.ts";
import { copilot } from "./agents/copilot.ts";
import { gemini } from "./agents/gemini.ts";
import { openclaw } from "./agents/openclaw.ts";
import { opencode } from "./agents/opencode.ts";
import { pi } from "./agents/pi.ts";
import { brew } from "./services/brew.ts";
import { discord } from "./services/discord.ts";
import { dockerRegistry } from "./services/docker-registry.ts";
import { github } from "./services/github.ts";
import { gitlab } from "./services/gitlab.ts";
import { huggingface } from "./services/huggingface.ts";
import { jira } from "./services/jira.ts";
import { npm } from "./services/npm.ts";
import { pypi } from "./services/pypi.ts";
import { search } from "./services/search.ts";
import { slack } from "./services/slack.ts";
import { telegram } from "./services/telegram.ts";
import { weather } from "./services/weather.ts";
import { ciDocs } from "./tasks/ci-docs.ts";
import { ciPredeploy } from "./tasks/ci-predeploy.ts";
import { codingAgent } from "./tasks/coding-agent.ts";
import { dataAnalyst } from "./tasks/data-analyst.ts";
import { depUpgrader } from "./tasks/dep-upgrader.ts";
import { marketingWriter } from "./tasks/marketing-writer.ts";
import { mcpToolHost } from "./tasks/mcp-tool-host.ts";
import { opsAnalystLocal } from "./tasks/ops-analyst-local.ts";
import { personalAgent } from "./tasks/personal-agent.ts";
import { prReviewer } from "./tasks/pr-reviewer.ts";
import { testHarness } from "./tasks/test-harness.ts";
import { webResearcher } from "./tasks/web-researcher.ts";

export {
  brew,
  ciDocs,
  ciPredeploy,
  claudeCode,
  codex,
  codingAgent,
  copilot,
  dataAnalyst,
  depUpgrader,
  discord,
  dockerRegistry,
  gemini,
  github,
  gitlab,
  huggingface,
  jira,
  marketingWriter,
  mcpToolHost,
  npm,
  openclaw,
  opencode,
  opsAnalystLocal,
  personalAgent,
  pi,
  prReviewer,
  pypi,
  search,
  slack,
  telegram,
  testHarness,
  weather,
  webResearcher,
};

/** For tasks. */
const tasks: readonly Recipe[] = [
  ciDocs,
  ciPredeploy,
  codingAgent,
  dataAnalyst,
  depUpgrader,
  marketingWriter,
  mcpToolHost,
  opsAnalystLocal,
  personalAgent,
  prReviewer,
  testHarness,
  webResearcher,
];

/** For agents. */
const agents: readonly Recipe[] = [claudeCode, codex, copilot, gemini, openclaw, opencode, pi];

/** Services, which are added to others. */
const services: readonly Recipe[] = [
  brew,
  discord,
  dockerRegistry,
  github,
  gitlab,
  huggingface,
  jira,
  npm,
  pypi,
  search,
  slack,
  telegram,
  weather,
];

/** All of them. */
export const recipes: readonly Recipe[] = [...tasks, ...agents, ...services];
