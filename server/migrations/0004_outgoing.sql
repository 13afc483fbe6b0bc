-- Webhooks to other systems: who wants to hear what, and each telling with its attempts.

create table listeners (
  id uuid primary key,
  url text not null,
  kinds text[] not null check (kinds <@ array['call.ended', 'recording.stored', 'recording.missing', 'transcript.ready'] and cardinality(kinds) > 0),
  secret text not null,                       -- shown once, when made; signs every telling
  said text not null default '',              -- what it is for
  made_at timestamptz not null,
  made_by text not null,
  paused_at timestamptz,                      -- by a person only: failures never silence it
  removed_at timestamptz
);

create table tellings (                       -- one event for one listener; never lost, never told twice under another id
  id uuid primary key,
  listener_id uuid not null references listeners,
  event_id uuid not null,
  kind text not null,
  call_id uuid not null,
  made_at timestamptz not null default now(),
  status text not null default 'waiting' check (status in ('waiting', 'told', 'dead')),
  attempts int not null default 0,
  next_attempt_at timestamptz default now(),
  answer int,                                 -- the last HTTP status; null: none came
  because text,                               -- why the last attempt failed
  told_at timestamptz,
  unique (listener_id, event_id)
);
create index tellings_due on tellings (next_attempt_at) where status = 'waiting';
create index tellings_listener on tellings (listener_id, made_at desc);
create index tellings_dead on tellings (made_at) where status = 'dead';

-- In the transaction of the fact itself: an event that is committed has its tellings, and one that is not has none.
create function queue_tellings() returns trigger language plpgsql as $$
begin
  insert into tellings (id, listener_id, event_id, kind, call_id)
  select gen_random_uuid(), l.id, new.id, new.kind, new.call_id from listeners l
   where new.kind = any(l.kinds) and l.removed_at is null
  on conflict do nothing;
  return null;
end $$;
create trigger events_tell after insert on events for each row
  when (new.kind in ('call.ended', 'recording.stored', 'recording.missing', 'transcript.ready'))
  execute function queue_tellings();
