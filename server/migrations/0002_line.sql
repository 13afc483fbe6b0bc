-- The line itself: how fast the carrier may be asked, what was asked of it, transfers to people, who picked up.

create table carrier_rates (                  -- the carrier's limits, shared by all our processes; one row each
  name text primary key,                      -- vonage create, vonage other
  most int not null check (most > 0),         -- so many requests
  window_ms int not null check (window_ms > 0), -- in any time of this length
  granted timestamptz[] not null default '{}',  -- the last `most` permits, oldest first; one ahead of now is being waited for
  refused_at timestamptz,                     -- when the carrier last said that it was too many
  refused int not null default 0
);

create table exchanges (                      -- each request to the carrier and its answer, tokens taken out
  id uuid primary key,
  at timestamptz not null,
  carrier text not null,
  call_id uuid references calls,
  method text not null,
  url text not null,
  request text,
  status int,                                 -- null: no answer came
  answer text,
  took_ms int not null,
  trace text                                  -- the carrier's own id of the exchange
);
create index exchanges_call on exchanges (call_id, at) where call_id is not null;
create index exchanges_at on exchanges (at);

alter table calls
  add column answered_by text check (answered_by in ('human', 'machine')), -- what the carrier thinks; null: it was not asked or does not know
  add column beep_at timestamptz,             -- when the machine's beep was heard
  add column message_at timestamptz;          -- when the carrier was told to leave our message there

create table transfers (                      -- a caller handed to a person, and what became of it
  id uuid primary key,
  call_id uuid not null references calls,
  to_number text not null,
  announcement text,                          -- what the person hears before they are connected; null: nothing
  asked_at timestamptz not null,
  asked_by text not null,                     -- user:<id>, key:<id>, agent
  leg text,
  ringing_at timestamptz,
  connected_at timestamptz,
  ended_at timestamptz,
  result text check (result in ('connected', 'busy', 'no_answer', 'declined', 'invalid_number', 'unreachable', 'restricted', 'cancelled', 'failed')),
  detail text
);
create index transfers_call on transfers (call_id, asked_at);
create unique index transfers_one_open on transfers (call_id) where result is null;
