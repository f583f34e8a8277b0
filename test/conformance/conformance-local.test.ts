import { conformance } from "./suite.ts";

await conformance("local-root", "local-user");
