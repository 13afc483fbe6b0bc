-- Each session an engine opened for a call, as its vendor knows it: what is asked of the vendor afterwards is asked of these.

create table engine_sessions (
  engine text not null,                       -- evi, openai
  session text not null,                      -- EVI chat id
  call_id uuid not null references calls,
  resume text,                                -- EVI chat group id
  process text not null,                      -- who opened it; several may have while it rang, and the audio came to one
  ready_at timestamptz not null,
  ended_at timestamptz,                       -- by what we saw
  dropped_at timestamptz,                     -- closed before anybody heard anything of it: no part of the call
  primary key (engine, session)
);
create index engine_sessions_call on engine_sessions (call_id, ready_at);
