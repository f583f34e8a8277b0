/**
 * Who looks at the events of which API.
 *
 * @module
 */
import { ChatPieces } from "./chat-pieces.ts";
import { MessagePieces } from "./message-pieces.ts";
import type { PieceFilter, PieceHearer } from "./piece.ts";
import { ResponsePieces } from "./response-pieces.ts";

/** The API that a provider is spoken to in. */
export type WireApi = "chat" | "messages" | "responses";

/** Makes one for an answer. */
export function pieceFilter(api: WireApi, hearer: PieceHearer): PieceFilter {
  if (api === "messages") return new MessagePieces(hearer);
  return api === "responses" ? new ResponsePieces(hearer) : new ChatPieces(hearer);
}
