import { type FileHost, type OpenedFile, openFile } from "../../download.ts";
import type { Exchange } from "../exchanges.ts";
import {
  type CarrierFailure,
  CarrierHasNot,
  CarrierHostForbidden,
  CarrierLimited,
  CarrierRefused,
  CarrierUnauthorized,
  CarrierUnreachable,
} from "../failures.ts";
import { parsed, readText, reasonOf, wordsOf } from "./answers.ts";
import { hostRefusal } from "./hosts.ts";

/**
 * Opens a recording: our token only to hosts on the list, and dropped on another host than the first. Each request is told to `tell`. Throws carrier
 * failures.
 */
export function openRecording(
  address: string,
  rangeFrom: number,
  apiUrl: string,
  token: () => Promise<string>,
  tell: (exchange: Exchange) => void,
  idleMs?: number,
): Promise<OpenedFile> {
  const first = URL.parse(address)?.host;
  const host: FileHost = {
    admit(url) {
      const refusal = hostRefusal(url, apiUrl);
      if (refusal !== null) throw new CarrierHostForbidden(url, refusal);
    },
    async headers({ host }) {
      return host === first ? { authorization: `Bearer ${await token()}` } : {};
    },
    told({ origin, pathname }, asked, answer) {
      tell({
        ...asked,
        method: "GET",
        // Without what follows the path: of where we were sent on to, that may be a signature. Never a body: it is somebody's voice.
        url: `${origin}${pathname}`,
        request: rangeFrom > 0 ? `from byte ${rangeFrom}` : null,
        ...(answer instanceof Response
          ? { status: answer.status, answer: null, trace: answer.headers.get("x-nexmo-trace-id") }
          : { status: null, answer: reasonOf(answer.error), trace: null }),
      });
    },
    unreachable: (host, error) => new CarrierUnreachable(host, reasonOf(error), error),
    refused: refusedRecording,
  };
  return openFile(address, rangeFrom, host, idleMs);
}

async function refusedRecording(host: string, response: Response): Promise<CarrierFailure> {
  const text = await readText(response).catch(() => "");
  const { status } = response;
  if (status === 401 || status === 403) return new CarrierUnauthorized(host, status);
  if (status === 404 || status === 410) return new CarrierHasNot("this recording", status);
  if (status === 429) return new CarrierLimited(host);
  if (status >= 500) return new CarrierUnreachable(host, `it answered HTTP ${status}`);
  return new CarrierRefused("to hand out a recording", status, wordsOf(parsed(text), text));
}
