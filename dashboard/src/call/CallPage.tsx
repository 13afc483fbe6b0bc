import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo } from "react";
import { isUnknown } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import type { Call, Utterance } from "../ask/shapes.ts";
import { Standing, Talk } from "../calls/CallRow.tsx";
import { isLive, otherNumber, recordingStates, talkMs } from "../calls/states.ts";
import { speedStep } from "../keys/table.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Button, buttonClass } from "../look/Button.tsx";
import { Moment } from "../look/Moment.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMedia } from "../look/use-media.ts";
import { useNow } from "../look/use-now.ts";
import { Controls } from "../score/Controls.tsx";
import { Score } from "../score/Score.tsx";
import { useZoom, type Zoom } from "../score/use-zoom.ts";
import { phoneNumber } from "../words/phone-number.ts";
import { Facts, FactsBone } from "./Facts.tsx";
import { HangUp } from "./HangUp.tsx";
import { type Playback, usePlayback, usePlaybackState } from "./playback.ts";
import { inOrder, linkedMs, nextSentence, previousSentence } from "./spoken.ts";
import { Timeline } from "./Timeline.tsx";
import { Transcript, TranscriptBone } from "./Transcript.tsx";

export function CallPage(): ReactNode {
  const { id } = useParams({ from: "/inside/calls/$id" });
  const call = useQuery(queries.call(id));
  if (call.data) return <OneCall key={id} call={call.data} />;
  return (
    <main className="px-4 pt-4 pb-24 sm:px-6">
      <Back />
      {call.isError ? (
        isUnknown(call.error) ? (
          <NoSuchCall />
        ) : (
          <Trouble error={call.error} onRetry={() => void call.refetch()} className="mt-4" />
        )
      ) : (
        <Waiting />
      )}
    </main>
  );
}

const Back = () => (
  <Link to="/calls" className="inline-flex items-center gap-1 py-1 text-soft hover:text-ink">
    <span aria-hidden="true" className="rtl:-scale-x-100">
      ←
    </span>
    Calls
  </Link>
);

const NoSuchCall = () => (
  <div className="max-w-[34rem] pt-10">
    <h1 className="text-lead font-strong">There is no call at this address</h1>
    <p className="pt-1 text-soft">It may have been deleted, or the address is not whole.</p>
    <Link to="/calls" className={`${buttonClass("plain")} mt-4`}>
      Go to calls
    </Link>
  </div>
);

const Waiting = () => (
  <div aria-busy="true">
    <p className="sr-only">Reading the call</p>
    <div aria-hidden="true">
      <div className="bone mt-1 h-7 w-64 max-w-full" />
      <div className="bone mt-2 h-4 w-80 max-w-full" />
      <div className="bone mt-5 h-44 w-full" />
      <div className="grid gap-10 pt-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <TranscriptBone />
        <FactsBone />
      </div>
    </div>
  </div>
);

const none: readonly Utterance[] = [];

function OneCall({ call }: { call: Call }) {
  const { t, side, source } = useSearch({ from: "/inside/calls/$id" });
  const wide = useMedia("(min-width: 64rem)");
  const live = isLive(call);
  const now = useNow(call.status === "in_progress" ? 1000 : 0);
  const said = useQuery(queries.utterances(call.id));
  const utterances = useMemo(() => (said.data ? inOrder(said.data) : none), [said.data]);
  const sources = useQuery(queries.recordings(call.id));
  const recording = (source && sources.data?.find((one) => one.source === source && one.url !== null)) || call.recording;
  const playable = recording.url !== null;
  const peaks = useQuery(queries.peaks(recording.id, recording.peaks_url));
  const sound = useMemo(
    () => (playable && peaks.data ? { peaks: peaks.data, offsetMs: recording.offset_ms ?? 0 } : null),
    [peaks.data, playable, recording.offset_ms],
  );
  const playback = usePlayback(recording);
  useLinkedMoment(playback, t);

  // The end of what is drawn: the talk, the sound, or the last word, whichever is last; a call that runs has room to grow.
  const talk = talkMs(call, now) ?? 0;
  const endMs = Math.max(talk, (recording.duration_ms ?? 0) + (recording.offset_ms ?? 0), utterances.at(-1)?.ended_ms ?? 0);

  const drawnMs = live ? Math.max(30_000, endMs * 1.02) : endMs;
  // One drawn bar should be at least one measured peak: closer than that there is nothing more to see.
  const zoom = useZoom(drawnMs, peaks.data ? Math.max(2000, (peaks.data.duration_ms / Math.max(1, peaks.data.points)) * 400) : 5000);
  const steps = useSteps(playback, zoom, utterances);

  return (
    <main className={playable ? "pb-28 lg:pb-24" : "pb-24"}>
      <header className="px-4 pt-3 pb-3 sm:px-6">
        <Back />
        <div className="flex items-start justify-between gap-4">
          <div className="min-w-0">
            <h1 className="truncate text-title font-strong">
              <bdi>{call.customer_name ?? phoneNumber(otherNumber(call))}</bdi>
            </h1>
            <p className="flex flex-wrap items-baseline gap-x-3 text-soft">
              {call.customer_name !== null && (
                <span dir="ltr" className="tabular">
                  {phoneNumber(otherNumber(call))}
                </span>
              )}
              <Moment at={call.created_at} />
              <Standing call={call} />
              <span className={live ? "font-strong text-ink" : ""}>
                <Talk call={call} />
              </span>
            </p>
          </div>
          <HangUp call={call} />
        </div>
      </header>
      <div data-score className="sticky top-0 z-10 border-y border-line bg-paper px-4 pt-4 pb-1 sm:px-6">
        <Score endMs={drawnMs} zoom={zoom} utterances={utterances} sound={sound} playback={playback} />
        {playable ? (
          <div className="max-lg:fixed max-lg:inset-x-0 max-lg:bottom-0 max-lg:z-30 max-lg:border-t max-lg:border-line max-lg:bg-paper max-lg:px-3 max-lg:pt-2 max-lg:pb-[max(0.5rem,env(safe-area-inset-bottom))] lg:py-1">
            <Broken playback={playback} />
            <Controls playback={playback} steps={steps} zoom={zoom} lengthMs={endMs} download={downloadOf(recording.url)} />
          </div>
        ) : (
          <NoSound call={call} />
        )}
      </div>
      {/* biome-ignore lint/a11y/useMediaCaption: the transcript beside it is the caption, sentence by sentence */}
      <audio ref={playback.attach} src={recording.url ?? undefined} preload="metadata" className="hidden" />
      <div className="grid gap-x-12 px-4 pt-2 sm:px-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        {!wide && <Facts call={call} heard={recording} />}
        <section aria-labelledby="transcript" className="min-w-0 max-lg:pt-4">
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
        <aside className="min-w-0">
          {wide && <Facts call={call} heard={recording} />}
          <Timeline id={call.id} side={side ?? "events"} />
        </aside>
      </div>
    </main>
  );
}

/** Why there is nothing to read, in this call's own case. */
function silence(call: Call): string {
  if (call.status === "in_progress") return "Nobody has spoken yet. What is said appears here as it is said.";
  if (isLive(call)) return "Nobody has picked up yet. What is said appears here as it is said.";
  if (call.started_at === null) return "Nobody picked up, so nothing was said.";
  return "The call was answered, but no word was heard.";
}

/** Our own address, as a file to keep. */
const downloadOf = (url: string | null): string | null => url && `${url}${url.includes("?") ? "&" : "?"}download=1`;

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

function NoSound({ call }: { call: Call }) {
  const { recording } = call;
  if (recording.because !== null) {
    return (
      <p className="py-2.5">
        <span className="text-look">{recording.because.message}</span> <span className="text-soft">{recording.because.remedy}</span>
      </p>
    );
  }
  return (
    <p className="py-2.5 text-soft">
      {isLive(call) ? "The recording can be heard once the call has ended." : recordingStates[recording.status].line}
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
function useLinkedMoment(playback: Playback, t: number | string | undefined): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the address the page was opened with counts
  useEffect(() => {
    const ms = linkedMs(t);
    if (ms !== null) playback.seek(ms);
  }, [playback]);
}
