/**
 * The logins that are known.
 *
 * @module
 */
import type { LoginProvider } from "../../policy/core.ts";
import { claudeForm } from "./claude.ts";
import { codexForm } from "./codex.ts";
import { copilotForm } from "./copilot.ts";
import type { LoginForm } from "./form.ts";
import { geminiForm } from "./gemini.ts";

/** By provider. */
export const LOGIN_FORMS: Readonly<Record<LoginProvider, LoginForm>> = {
  claude: claudeForm,
  codex: codexForm,
  copilot: copilotForm,
  gemini: geminiForm,
};
