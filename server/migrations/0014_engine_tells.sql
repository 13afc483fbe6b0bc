-- What an engine's vendor tells by webhook of its sessions, and what is asked of the process that carries a call.

create table engine_webhooks (                -- every believed one, stored before it is answered
  id uuid primary key,
  received_at timestamptz not null,
  engine text not null,
  identity text not null,                     -- what makes two deliveries the same
  times int not null default 1,               -- how often it came
  event text,
  session text,
  body bytea not null,
  verdict text not null default 'pending' check (verdict in ('pending', 'applied', 'unknown_call', 'unreadable')),
  attempts int not null default 0,            -- how often applying it failed
  call_id uuid references calls,
  unique (engine, identity)
);
create index engine_webhooks_pending on engine_webhooks (received_at) where verdict = 'pending';
create index engine_webhooks_call on engine_webhooks (call_id, received_at) where call_id is not null;

alter table engine_sessions
  add column told_ended_at timestamptz,       -- by what the vendor told
  add column told_ended_as text;              -- USER_ENDED, INACTIVITY_TIMEOUT ...
create index engine_sessions_told on engine_sessions (told_ended_at) where told_ended_at is not null and ended_at is null;

create table bridge_asks (                    -- for the process that carries the call, whichever that is
  id uuid primary key,
  call_id uuid not null references calls,
  ask jsonb not null,                         -- {what: whisper, how, text}, {what: engine gone, session}
  asked_at timestamptz not null,
  asked_by text not null,                     -- user:<id>, key:<id>, us
  taken_at timestamptz,
  taken_by text,                              -- a process; null with taken_at: nobody took it in time
  done boolean
);
create index bridge_asks_open on bridge_asks (call_id, asked_at) where taken_at is null;
create index bridge_asks_call on bridge_asks (call_id, asked_at);
