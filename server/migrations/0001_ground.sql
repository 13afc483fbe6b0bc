-- The ground: people, agents, calls, what was said, what the carrier told us, recordings.
-- Dialect of Postgres 15. Ids are UUIDv7 made by the server (server/src/ids.ts). Append-only: never edit, add 0002.

create table settings (                       -- facts of this installation: its id, its keys
  name text primary key,
  value jsonb not null
);

create table users (
  id uuid primary key,
  email text not null,
  password_hash text not null,                -- argon2id, PHC format
  role text not null check (role in ('admin', 'member', 'viewer')),
  from_environment boolean not null default false,  -- the one whose e-mail and password follow ADMIN_EMAIL, ADMIN_PASSWORD
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);
create unique index users_email on users (lower(email));

create table sessions (
  token_hash bytea primary key,               -- sha256 of the cookie's token
  user_id uuid not null references users on delete cascade,
  csrf text not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_user on sessions (user_id);

create table sign_in_attempts (               -- the throttle, shared by all processes and remembered over a restart
  who bytea primary key,                      -- sha256 of an address, an e-mail, or both
  attempts int not null,
  window_ends_at timestamptz not null
);

create table sign_in_links (
  token_hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  expires_at timestamptz not null,
  used_at timestamptz
);

create table api_keys (
  id uuid primary key,
  name text not null,
  key_hash bytea not null unique,             -- sha256 of the whole key
  prefix text not null,                       -- the first characters, to recognise it by
  role text not null default 'member' check (role in ('admin', 'member', 'viewer')),
  from_environment boolean not null default false,  -- the one that follows API_KEY
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table audits (                         -- who did what: sign-ins, playbacks, downloads, changes
  id uuid primary key,
  at timestamptz not null default now(),
  actor text not null,                        -- user:<id>, key:<id>, link:<recording>, us
  action text not null,                       -- recording.played, call.placed, session.refused ...
  call_id uuid,
  detail jsonb not null default '{}'
);
create index audits_call on audits (call_id, at) where call_id is not null;

create table agents (
  id uuid primary key,
  version int not null,                       -- the current one
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  archived_at timestamptz
);
create unique index agents_one_default on agents (is_default) where is_default;

create table agent_versions (
  agent_id uuid not null references agents,
  version int not null,
  settings jsonb not null,                    -- contract AgentSettings
  created_at timestamptz not null default now(),
  primary key (agent_id, version)
);

create table calls (
  id uuid primary key,
  direction text not null check (direction in ('inbound', 'outbound')),
  status text not null check (status in ('queued', 'dialing', 'ringing', 'in_progress', 'ended')),
  end_reason text,
  end_detail text,
  from_number text,                           -- E.164 with +; null when withheld
  to_number text,
  customer_name text,
  variables jsonb not null default '{}',
  metadata jsonb not null default '{}',
  agent_id uuid references agents,
  agent_version int,
  placed_by text,                             -- user:<id>, key:<id>, carrier
  idempotency_key text,
  request_hash bytea,                         -- of the body that came with the key: another body is another request
  created_at timestamptz not null default now(),
  dialed_at timestamptz,                      -- set before the carrier is asked
  ringing_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz,
  deadline_at timestamptz,                    -- the watchdog acts when this passes; null only when ended
  asked_at timestamptz,                       -- when the watchdog asked the carrier; it asks once
  hangup_asked_at timestamptz,
  hangup_asked_by text,                       -- operator, agent, us:<rule>
  phone_leg text,                             -- the carrier's ids: four separate names for four separate things
  socket_leg text,
  conversation text,
  region_url text,
  socket_started_at timestamptz,              -- first audio frame: zero of the caller-audio clock
  engine text,
  engine_session text,                        -- EVI chat id
  engine_resume text,                         -- EVI chat group id
  owner text,                                 -- the process that carries it
  check (status <> 'ended' or (ended_at is not null and end_reason is not null)),
  check (status = 'ended' or deadline_at is not null),
  foreign key (agent_id, agent_version) references agent_versions (agent_id, version)
);
create unique index calls_idempotency on calls (placed_by, idempotency_key) where idempotency_key is not null;
create unique index calls_phone_leg on calls (phone_leg) where phone_leg is not null;
create index calls_socket_leg on calls (socket_leg) where socket_leg is not null;
create index calls_conversation on calls (conversation) where conversation is not null;
create index calls_created on calls (created_at desc, id desc);
create index calls_end_reason on calls (end_reason, created_at desc, id desc) where end_reason is not null;
create index calls_agent on calls (agent_id, created_at desc, id desc);
create index calls_name on calls using gin (to_tsvector('simple', customer_name)) where customer_name is not null;
create index calls_open on calls (deadline_at) where status <> 'ended';

create table legs (                           -- what the carrier says of each leg: its times, its price
  leg text primary key,
  call_id uuid not null references calls,
  kind text not null check (kind in ('phone', 'socket', 'transfer')),
  status text,                                -- the carrier's weightiest word, its own spelling (a failure outweighs completed)
  ended_as text,                              -- the same in our words: completed, busy, no_answer ...
  detail text,
  sip_code int,
  disconnected_by text,
  started_at timestamptz,                     -- the carrier's start_time, end_time
  ended_at timestamptz,
  duration_s int,
  rate numeric,
  price numeric,
  network text,
  seen_at timestamptz,                        -- the carrier's timestamps of its events, the earliest of each:
  ringing_at timestamptz,
  answered_at timestamptz,
  lost_at timestamptz,                        -- a socket leg whose audio broke off
  over_at timestamptz,
  updated_at timestamptz not null default now()
);
create index legs_call on legs (call_id);

create table webhooks (                       -- every request of the carrier, stored before it is answered
  id uuid primary key,
  received_at timestamptz not null default now(),
  carrier text not null,
  door text not null,                         -- answer, event, recording, fallback
  method text not null,
  url text not null,                          -- path and query, tokens redacted
  headers jsonb not null,                     -- authorization reduced to its claims
  body bytea not null,
  verdict text not null default 'pending' check (verdict in
    ('pending', 'applied', 'kept', 'duplicate', 'late', 'unknown_call', 'bad_signature', 'unreadable')),
  because text,
  identity text,                              -- what makes two deliveries the same: leg, status, timestamp
  jti text,                                   -- the signature's own id, good for one payload
  attempts int not null default 0,            -- how often applying it failed
  call_id uuid,
  leg text,
  conversation text
);
create unique index webhooks_identity on webhooks (carrier, identity) where identity is not null and verdict in ('applied', 'kept', 'late');
create index webhooks_call on webhooks (call_id, received_at) where call_id is not null;
create index webhooks_pending on webhooks (received_at) where verdict = 'pending';
create index webhooks_jti on webhooks (jti) where jti is not null;
create index webhooks_refused on webhooks (received_at) where verdict = 'bad_signature';
create index webhooks_unknown on webhooks (conversation) where verdict = 'unknown_call';

create table events (                         -- the timeline of a call; never edited
  id uuid primary key,
  call_id uuid not null references calls,
  at timestamptz not null,
  recorded_at timestamptz not null default now(),
  kind text not null,
  actor text not null check (actor in ('caller', 'agent', 'carrier', 'engine', 'operator', 'us')),
  said text not null,
  detail jsonb not null default '{}',
  webhook_id uuid,
  once text,                                  -- a name that makes the same fact land once
  unique (call_id, once)
);
create index events_call on events (call_id, at, id);

create table emotion_sets (                   -- vocabularies, append-only: a score's place in its bytes is its name's place here
  id smallint generated always as identity primary key,
  name text not null unique,
  names text[] not null
);

create table utterances (
  id uuid primary key,
  call_id uuid not null references calls,
  speaker text not null check (speaker in ('caller', 'agent')),
  engine_ref text not null,                   -- the engine's opaque id: the same utterance told twice is one row
  text text not null,
  started_ms int not null,                    -- from the answer
  ended_ms int not null,
  cut boolean not null default false,
  heard_ms int,
  language text,
  emotion_set smallint references emotion_sets,
  emotions bytea,                             -- see server/src/emotion/scores.ts: 2 bytes a score
  created_at timestamptz not null default now(),
  unique (call_id, engine_ref)
);
create index utterances_call on utterances (call_id, started_ms, id);
create index utterances_text on utterances using gin (to_tsvector('simple', text));

create table socket_tokens (                  -- one-time, bound to a call: without one the audio socket does not open
  token_hash bytea primary key,
  call_id uuid not null references calls,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);

create table recordings (
  id uuid primary key,
  call_id uuid references calls,              -- null while the conversation is not yet known to us
  source text not null check (source in ('carrier', 'journal', 'engine')),
  status text not null check (status in
    ('expected', 'announced', 'fetching', 'stored', 'verified', 'missing', 'failed', 'refused', 'deleted')),
  because text,                               -- failure code, see docs/failures.md
  detail jsonb not null default '{}',
  carrier_recording text,                     -- recording_uuid
  conversation text,
  announced_url text,
  announced_bytes bigint,
  announced_at timestamptz,
  audio_started_at timestamptz,               -- when its first sample was spoken, as well as we know
  attempts int not null default 0,
  next_attempt_at timestamptz,
  deadline_at timestamptz,
  format text check (format in ('mp3', 'wav', 'ogg')),
  storage_key text,
  size_bytes bigint,
  sha256 text,
  duration_ms int,
  channels int,
  sample_rate int,
  peaks bytea,
  created_at timestamptz not null default now(),
  stored_at timestamptz,
  verified_at timestamptz
);
create unique index recordings_carrier on recordings (source, carrier_recording) where carrier_recording is not null;
create unique index recordings_journal on recordings (call_id, source) where source = 'journal';
create index recordings_call on recordings (call_id);
create index recordings_unsettled on recordings (status, call_id)  -- the few that want a look or are under way
  where status in ('expected', 'announced', 'fetching', 'missing', 'failed', 'refused', 'deleted');
create index recordings_waiting on recordings (next_attempt_at) where status in ('expected', 'announced', 'fetching');
create index recordings_conversation on recordings (conversation) where call_id is null;
