-- Which process carries which call. A process says every second that it lives; one that has not for a while is dead, and what it held is
-- taken over by whoever finds it.

create table processes (
  name text primary key,                      -- calls.owner
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now(),
  draining_at timestamptz                     -- takes no new calls since
);

create table leases (                         -- a process holds a call, and its part of the call's journal
  call_id uuid not null references calls on delete cascade,
  process text not null,
  since timestamptz not null default now(),
  until timestamptz,                          -- everything it knew of the call is in the database; null: not yet
  finished_by text,                           -- who saw to that, when the process was dead
  primary key (call_id, process)
);
create index leases_open on leases (process) where until is null;
