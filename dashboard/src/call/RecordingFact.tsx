import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { ask } from "../ask/ask.ts";
import { queries } from "../ask/queries.ts";
import { type Call, type Recording, RecordingLink } from "../ask/shapes.ts";
import { RecordingSign } from "../calls/RecordingSign.tsx";
import { isLive, mendable, recordingStates } from "../calls/states.ts";
import { Button } from "../look/Button.tsx";
import { Moment } from "../look/Moment.tsx";
import { Select } from "../look/Select.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { size } from "../words/text.ts";
import { asFile } from "./as-file.ts";
import { Compared } from "./Compared.tsx";
import { Mend } from "./Mend.tsx";

const sources = { carrier: "From the carrier", journal: "Our own, from the journal", engine: "From the engine" } as const;

/** Where each recording of a call stands, what their comparison found, and, folded, what is taken along. */
export function RecordingFact({ call, heard, onMoment }: { call: Call; heard: Recording; onMoment: (ms: number) => void }) {
  const all = useQuery(queries.recordings(call.id));
  const others = all.data?.filter((recording) => recording.id !== call.recording.id) ?? [];
  // What a person needs once in a while is a press away: the facts stay short, and what happened is in sight below them.
  const files = [call.recording, ...others].filter(({ url, sha256 }) => url !== null || sha256 !== null);
  const comparison = all.data?.find((recording) => recording.comparison !== null)?.comparison ?? null;
  return (
    <>
      {[call.recording, ...others].map((recording) => (
        <div key={recording.id} className="not-first:mt-2">
          <RecordingState recording={recording}>
            {others.length > 0 && recording.url !== null && (
              <Choose recording={recording} best={recording.id === call.recording.id} chosen={recording.id === heard.id} />
            )}
          </RecordingState>
          {recording.id !== null && <Mend id={recording.id} {...mendable(recording.status, isLive(call))} />}
        </div>
      ))}
      {all.isPending && call.recording.comparison !== null && <div aria-hidden="true" className="bone mt-2 h-44" />}
      {comparison && <Compared comparison={comparison} recordings={all.data ?? []} onMoment={onMoment} />}
      {files.length === 0 ? (
        !isLive(call) && <Evidence call={call.id} />
      ) : (
        <details className="mt-1.5 text-small">
          <summary className="py-1 text-soft hover:text-ink pointer-coarse:py-3">Files, links and fingerprints</summary>
          {files.map((recording) => (
            <RecordingFile key={recording.id} recording={recording} />
          ))}
          {heard.url !== null && <Share call={call.id} heard={heard} />}
          {!isLive(call) && <Evidence call={call.id} />}
        </details>
      )}
    </>
  );
}

/** Which source is heard and drawn; the best one unless the address says another. */
const Choose = ({ recording, best, chosen }: { recording: Recording; best: boolean; chosen: boolean }) =>
  chosen ? (
    <span className="font-strong text-ink"> In the score now.</span>
  ) : (
    <>
      {" "}
      <Link
        from="/calls/$id"
        to="."
        search={(old: object) => ({ ...old, source: undefined, recording: best ? undefined : (recording.id ?? undefined) })}
        replace
        resetScroll={false}
        className="reach text-ink underline decoration-edge underline-offset-2 hover:decoration-ink"
      >
        Listen to this one
      </Link>
    </>
  );

/** All that is kept of the call in one signed file, for somebody who was not there. */
function Evidence({ call }: { call: string }) {
  const may = useMay("recordings.export");
  if (!may) return null;
  return (
    <p className="mt-2 text-small text-soft">
      <a
        href={`/api/calls/${call}/evidence`}
        download
        className="reach text-ink underline decoration-edge underline-offset-2 hover:decoration-ink"
      >
        Download the evidence
      </a>{" "}
      Everything kept of this call, signed.
    </p>
  );
}

/** How long a shared link may live, in minutes. */
const lives = { 15: "a quarter of an hour", 60: "an hour", 480: "eight hours", 1440: "a day" } as const;

/** A link for somebody without an account, made when asked for and copied at once. */
function Share({ call, heard }: { call: string; heard: Recording }) {
  const may = useMay("recordings.share");
  const [minutes, setMinutes] = useState<keyof typeof lives>(60);
  const share = useMutation({
    mutationFn: async () => {
      const link = await ask(RecordingLink, `/calls/${call}/recording/link`, {
        method: "POST",
        body: { minutes, ...(heard.id && { recording: heard.id }) },
      });
      const url = new URL(link.url, location.href).href;
      const copied = await navigator.clipboard.writeText(url).then(
        () => true,
        () => false,
      );
      return { url, copied };
    },
  });
  if (!may) return null;
  return (
    <div className="mt-2 text-small">
      <div className="flex flex-wrap items-center gap-1">
        <Button busy={share.isPending} onClick={() => share.mutate()}>
          Make a link for
        </Button>
        <Select
          aria-label="How long the link lives"
          value={minutes}
          onChange={(event) => setMinutes(Number(event.target.value) as keyof typeof lives)}
          className="press field-sizing-content rounded border border-transparent ps-2 text-body text-soft hover:bg-sunk hover:text-ink"
        >
          {Object.entries(lives).map(([length, said]) => (
            <option key={length} value={length}>
              {said}
            </option>
          ))}
        </Select>
      </div>
      <p role="status" className="text-soft">
        {share.data?.copied && "Copied. Whoever has it can listen to this recording until it ends."}
        {share.data && !share.data.copied && <span className="break-all select-all">{share.data.url}</span>}
      </p>
      {share.error && <Trouble error={share.error} className="mt-2" />}
    </div>
  );
}

const notThere: readonly Recording["status"][] = ["missing", "failed", "refused", "deleted"];

/** One source of the sound: where it stands, why, and what to do. */
function RecordingState({ recording, children }: { recording: Recording; children: ReactNode }) {
  const facts = [
    recording.source === null ? null : sources[recording.source],
    recording.format?.toUpperCase(),
    recording.channels === 2 ? "two channels" : recording.channels === 1 ? "one channel" : null,
    recording.size_bytes === null ? null : size(recording.size_bytes),
  ].filter(Boolean);
  return (
    <>
      <RecordingSign recording={recording} />
      <p className="text-small text-soft">
        {facts.length > 0 ? `${facts.join(", ")}.` : recordingStates[recording.status].line}
        {notThere.includes(recording.status) && recording.since !== null && (
          <>
            {" "}
            Since <Moment at={recording.since} />.
          </>
        )}
        {children}
      </p>
      {recording.because !== null && (
        <p className="mt-1 text-small">
          <span className="text-look">{recording.because.message}</span> {recording.because.remedy}
        </p>
      )}
    </>
  );
}

/** One recording as a file: to be had, and its fingerprint. */
function RecordingFile({ recording }: { recording: Recording }) {
  const link = "reach text-ink underline decoration-edge underline-offset-2 hover:decoration-ink";
  return (
    <div className="pt-1 pointer-coarse:pt-3">
      {recording.url !== null && (
        <p className="text-soft">
          {recording.source === null ? "The recording" : sources[recording.source]}:{" "}
          <a href={asFile(recording.url)} download className={link}>
            {recording.format?.toUpperCase() ?? "as it is"}
          </a>
          {recording.format !== "wav" && (
            <>
              {" "}
              or{" "}
              <a href={asFile(recording.url, "wav")} download className={link}>
                WAV
              </a>
            </>
          )}
        </p>
      )}
      {recording.sha256 !== null && <Fingerprint sha256={recording.sha256} />}
    </div>
  );
}

function Fingerprint({ sha256 }: { sha256: string }) {
  const [whole, setWhole] = useState(false);
  return (
    <button
      type="button"
      aria-expanded={whole}
      onClick={() => setWhole(!whole)}
      title={whole ? "Show less" : "Show the whole SHA-256"}
      className="block py-1 text-start font-mono text-small break-all text-soft hover:text-ink pointer-coarse:py-3"
    >
      sha256 {whole ? sha256 : `${sha256.slice(0, 16)}…`}
    </button>
  );
}
