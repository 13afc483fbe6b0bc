import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { queries } from "../ask/queries.ts";
import { type Call, peakZooms, type Recording, type Redaction, type Utterance } from "../ask/shapes.ts";
import { Standing, Talk } from "../calls/CallRow.tsx";
import { isLive, otherNumber, recordingStates, talkMs } from "../calls/states.ts";
import { speedStep } from "../keys/table.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Button, buttonClass } from "../look/Button.tsx";
import { Moment } from "../look/Moment.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMedia } from "../look/use-media.ts";
import { useNow } from "../look/use-now.ts";
import { useTitle } from "../look/use-title.ts";
import { Controls } from "../score/Controls.tsx";
import { roomFor } from "../score/geometry.ts";
import { Score } from "../score/Score.tsx";
import { useZoom, type Zoom } from "../score/use-zoom.ts";
import { useMay } from "../session/use-may.ts";
import { phoneNumber } from "../words/phone-number.ts";
import { asFile } from "./as-file.ts";
import { Facts } from "./Facts.tsx";
import { HangUp } from "./HangUp.tsx";
import { InCall } from "./InCall.tsx";
import { Keeping } from "./Keeping.tsx";
import { type Playback, usePlayback, usePlaybackState } from "./playback.ts";
import { Redact } from "./Redact.tsx";
import { foundAt, inOrder, linkedMs, nextSentence, previousSentence } from "./spoken.ts";
import { between, type Stretch } from "./stretch.ts";
import { Timeline } from "./Timeline.tsx";
import { Transcript, TranscriptBone } from "./Transcript.tsx";

const none: readonly Utterance[] = [];
const noRedactions: readonly Redaction[] = [];

/** One call: its score on top, what was said and what happened below. */
export function OneCall({ call }: { call: Call }): ReactNode {
  useTitle(call.customer_name ?? phoneNumber(otherNumber(call)));
  const { t, q, side, source, recording: chosen } = useSearch({ from: "/inside/calls/$id" });
  const wide = useMedia("(min-width: 64rem)");
  const live = isLive(call);
  const now = useNow(call.status === "in_progress" ? 1000 : 0);
  const said = useQuery(queries.utterances(call.id));
  const utterances = useMemo(() => (said.data ? inOrder(said.data) : none), [said.data]);
  const recording = useChosen(call, source, chosen);
  const playable = recording.url !== null;
  const [near, setNear] = useState(false);
  const coarse = useQuery(queries.peaks(recording.id, recording.peaks_url));
  // Looked at closely, the drawing is made of the finest measurements there are.
  const fine = useQuery({
    ...queries.peaks(recording.id, recording.peaks_url && finest(recording.peaks_url)),
    enabled: near && recording.peaks_url !== null,
  });
  const peaks = near && fine.data ? fine : coarse;
  const sound = useMemo(
    () => (playable ? { peaks: peaks.data ?? null, offsetMs: recording.offset_ms ?? 0 } : null),
    [peaks.data, playable, recording.offset_ms],
  );
  const playback = usePlayback(recording);
  useLinkedMoment(playback, t);
  useFound(playback, utterances, t === undefined ? q : undefined);
  const keeping = useQuery(queries.keeping(call.id));
  // The stretch being chosen for redaction; null while nobody redacts.
  const [stretch, setStretch] = useState<Stretch | null>(null);

  // The end of the call's time: the talk, the sound, or the last word, whichever is last.
  const talk = talkMs(call, now) ?? 0;
  const endMs = Math.max(talk, (recording.duration_ms ?? 0) + (recording.offset_ms ?? 0), utterances.at(-1)?.ended_ms ?? 0);
  const drawnMs = live ? roomFor(endMs) : endMs;
  // One drawn bar should be at least one measured peak: closer than that there is nothing more to see.
  const zoom = useZoom(drawnMs, coarse.data ? Math.max(2000, (coarse.data.duration_ms / FINEST) * 400) : 5000);
  useEffect(() => setNear(!zoom.isWhole), [zoom.isWhole]);
  const steps = useSteps(playback, zoom, utterances);
  const silent = !live && call.started_at === null;

  return (
    <main className={playable || live ? "pb-28 lg:pb-24" : "pb-24"}>
      <Head call={call} />
      {silent ? (
        <div className="border-b border-line" />
      ) : (
        <div
          data-score
          className="z-10 [@media(min-height:34rem)]:sticky [@media(min-height:34rem)]:top-0 border-y border-line bg-paper px-4 pt-4 pb-1 sm:px-6"
        >
          <Score
            endMs={drawnMs}
            zoom={zoom}
            utterances={utterances}
            sound={sound}
            playback={playback}
            nowMs={live && call.started_at !== null ? talk : null}
            redacted={keeping.data?.redactions ?? noRedactions}
            choosing={stretch}
            onChoose={stretch === null ? null : setStretch}
          />
          {live ? (
            <Foot>
              <Running call={call} />
            </Foot>
          ) : playable ? (
            <Foot>
              <Broken playback={playback} />
              <Controls playback={playback} steps={steps} zoom={zoom} lengthMs={endMs} download={recording.url && asFile(recording.url)} />
            </Foot>
          ) : (
            <NoSound recording={recording} />
          )}
        </div>
      )}
      {/* biome-ignore lint/a11y/useMediaCaption: the transcript beside it is the caption, sentence by sentence */}
      <audio ref={playback.attach} src={recording.url ?? undefined} preload="metadata" className="hidden" />
      <div className="grid gap-x-12 px-4 pt-2 sm:px-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        {!wide && <NarrowFacts call={call} heard={recording} folded={live} />}
        <section aria-labelledby="transcript" className="@container min-w-0 max-lg:pt-4">
          <h2 id="transcript" className="sr-only">
            What was said
          </h2>
          {said.isPending ? (
            <TranscriptBone />
          ) : said.isError && !said.data ? (
            <Trouble error={said.error} onRetry={() => void said.refetch()} className="mt-4" />
          ) : utterances.length === 0 ? (
            <p className="py-6 text-soft">{silence(call)}</p>
          ) : (
            <Transcript utterances={utterances} playback={playback} playable={playable} live={live} />
          )}
        </section>
        <aside className="min-w-0 lg:sticky lg:top-[17rem] lg:max-h-[calc(100dvh-17rem)] lg:self-start lg:overflow-y-auto lg:overscroll-contain lg:pb-8">
          {wide && <Facts call={call} heard={recording} narrow={false} />}
          <Timeline
            id={call.id}
            side={side ?? "events"}
            settled={!said.isPending}
            keeping={
              stretch === null ? (
                <Keeping
                  call={call}
                  onRedact={playable ? () => setStretch(between(playback.nowMs(), playback.nowMs() + 3000, endMs)) : null}
                />
              ) : (
                <Redact
                  call={call.id}
                  stretch={stretch}
                  endMs={endMs}
                  utterances={utterances}
                  playback={playback}
                  onStretch={setStretch}
                  onClose={() => setStretch(null)}
                />
              )
            }
          />
        </aside>
      </div>
    </main>
  );
}

/** The finest peaks there are, in points over the whole length; a short recording has fewer and needs no more. */
const FINEST = peakZooms.at(-1) ?? 2000;
const finest = (url: string): string => `${url}${url.includes("?") ? "&" : "?"}points=${FINEST}`;

/** The recording that is heard: the one the address asks for, if it plays, else the call's best. */
function useChosen(call: Call, source: Recording["source"] | undefined, id: string | undefined): Recording {
  const all = useQuery(queries.recordings(call.id));
  const played = all.data?.filter(({ url }) => url !== null) ?? [];
  return played.find((one) => one.id === id) ?? (source && played.find((one) => one.source === source)) ?? call.recording;
}

/** The line above a call: back to all of them, and at its end what can be done now. As high as a button, with one or without. */
export const Back = ({ children }: { children?: ReactNode }) => (
  <div className="flex min-h-8 items-center justify-between pointer-coarse:min-h-10">
    <Link to="/calls" className="reach inline-flex items-center gap-1 py-1 text-soft hover:text-ink">
      <span aria-hidden="true" className="rtl:-scale-x-100">
        ←
      </span>
      Calls
    </Link>
    {children}
  </div>
);

function Head({ call }: { call: Call }) {
  const number = phoneNumber(otherNumber(call));
  return (
    <header className="px-4 pt-3 pb-3 sm:px-6">
      <Back>
        <Again call={call} />
      </Back>
      <h1 className="truncate text-title font-strong">
        <bdi>{call.customer_name ?? number}</bdi>
      </h1>
      <p className="flex flex-wrap items-center gap-x-3 text-soft">
        {call.customer_name !== null && (
          <span dir="ltr" className="tabular">
            {number}
          </span>
        )}
        <Moment at={call.created_at} />
        {!isLive(call) && (
          <>
            <Standing call={call} />
            {call.started_at !== null && <Talk call={call} />}
          </>
        )}
      </p>
    </header>
  );
}

/** The way to the other party once more, with everything as it was in this call. */
function Again({ call }: { call: Call }) {
  const mayPlace = useMay("calls.place");
  const number = otherNumber(call);
  if (!mayPlace || isLive(call) || number === null) return null;
  return (
    <Link
      from="/calls/$id"
      to="."
      search={(old: object) => ({ ...old, place: number, again: call.id })}
      resetScroll={false}
      className={buttonClass("plain")}
    >
      {call.direction === "inbound" ? "Call back" : "Call again"}
    </Link>
  );
}

/** Under the score; where a thumb reaches it on a phone. */
const Foot = ({ children }: { children: ReactNode }) => (
  <div className="max-lg:fixed max-lg:inset-x-0 max-lg:bottom-0 max-lg:z-30 max-lg:border-t max-lg:border-line max-lg:bg-paper max-lg:px-3 max-lg:pt-2 max-lg:pb-[max(0.5rem,env(safe-area-inset-bottom))] lg:py-1">
    {children}
  </div>
);

/** A call that runs: what it does, for how long, and the way to end it. */
const Running = ({ call }: { call: Call }) => (
  <div className="flex min-h-10 flex-wrap items-center gap-x-3">
    <Standing call={call} />
    {call.started_at !== null && (
      <span className="font-strong">
        <Talk call={call} />
      </span>
    )}
    {call.status === "in_progress" && <span className="text-soft max-xl:hidden">The recording can be heard once the call has ended.</span>}
    <span className="ms-auto flex flex-wrap items-center justify-end gap-x-1">
      <InCall call={call} />
      <HangUp call={call} />
    </span>
  </div>
);

/** On a narrow page the facts come first, but a call that runs is read before it is looked up. */
const NarrowFacts = ({ call, heard, folded }: { call: Call; heard: Recording; folded: boolean }) =>
  folded ? (
    <details className="border-b border-line">
      <summary className="py-2 text-soft pointer-coarse:py-3">Facts</summary>
      <Facts call={call} heard={heard} narrow />
    </details>
  ) : (
    <Facts call={call} heard={heard} narrow />
  );

/** Why there is nothing to read, in this call's own case. */
function silence(call: Call): string {
  if (call.status === "in_progress") return "Nobody has spoken yet. What is said appears here as it is said.";
  if (isLive(call)) return "Nobody has picked up yet. What is said appears here as it is said.";
  if (call.started_at === null) return "Nobody picked up, so nothing was said.";
  return "The call was answered, but no word was heard.";
}

/** The browser could not play it: said where it was to be heard. */
function Broken({ playback }: { playback: Playback }) {
  const state = usePlaybackState(playback);
  if (state !== "failed") return null;
  return (
    <p role="alert" className="flex items-center gap-3 py-1 text-look">
      The sound could not be fetched. It is kept; ask for it again.
      <Button onClick={playback.retry}>Try again</Button>
    </p>
  );
}

/** Why there is nothing to hear, and what to do. */
function NoSound({ recording }: { recording: Recording }) {
  const { because, status } = recording;
  return (
    <p className="flex min-h-12 flex-wrap items-center gap-x-1.5 py-1 text-soft">
      {because === null ? (
        recordingStates[status].line
      ) : (
        <>
          <span className="text-look">{because.message}</span>
          <span>{because.remedy}</span>
        </>
      )}
    </p>
  );
}

/** The ways through the sound, for buttons and keys alike. */
function useSteps(playback: Playback, zoom: Zoom, utterances: readonly Utterance[]) {
  const go = (ms: number | null) => {
    if (ms !== null) playback.seek(ms);
  };
  const steps = {
    next: () => go(nextSentence(utterances, playback.nowMs())),
    previous: () => go(previousSentence(utterances, playback.nowMs())),
  };
  useKeys({
    play: playback.toggle,
    back: () => go(Math.max(0, playback.nowMs() - 5000)),
    forth: () => go(playback.nowMs() + 5000),
    slower: () => playback.setSpeed(speedStep(playback.speed(), -1)),
    faster: () => playback.setSpeed(speedStep(playback.speed(), 1)),
    "next sentence": steps.next,
    "previous sentence": steps.previous,
    nearer: () => zoom.by(0.5, playback.nowMs()),
    farther: () => zoom.by(2, playback.nowMs()),
    "whole call": zoom.whole,
  });
  return steps;
}

/** `?t=83.4` stands at that moment when the page opens. */
function useLinkedMoment(playback: Playback, t: string | undefined): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the address the page was opened with counts
  useEffect(() => {
    const ms = linkedMs(t);
    if (ms !== null) playback.seek(ms);
  }, [playback]);
}

/** Opened from a search, the page stands where the words were said, once it knows them. */
function useFound(playback: Playback, utterances: readonly Utterance[], q: string | undefined): void {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || q === undefined || utterances.length === 0) return;
    done.current = true;
    const found = utterances[foundAt(utterances, q)];
    if (!found) return;
    playback.seek(found.started_ms);
    document.getElementById(`said-${found.id}`)?.scrollIntoView({ block: "center" });
  }, [playback, utterances, q]);
}
