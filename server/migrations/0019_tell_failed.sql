-- Other systems can be told of recordings that failed or were refused, too: both as recording.failed, with the status in what is told.

alter table listeners
  drop constraint listeners_kinds_check,
  add constraint listeners_kinds_check check (
    kinds <@ array['call.ended', 'recording.stored', 'recording.missing', 'recording.failed', 'transcript.ready'] and cardinality(kinds) > 0);

create or replace function queue_tellings() returns trigger language plpgsql as $$
declare
  told text := case new.kind when 'recording.refused' then 'recording.failed' else new.kind end;
begin
  insert into tellings (id, listener_id, event_id, kind, call_id)
  select gen_random_uuid(), l.id, new.id, told, new.call_id from listeners l
   where told = any(l.kinds) and l.removed_at is null
  on conflict do nothing;
  return null;
end $$;
drop trigger events_tell on events;
create trigger events_tell after insert on events for each row
  when (new.kind in ('call.ended', 'recording.stored', 'recording.missing', 'recording.failed', 'recording.refused', 'transcript.ready'))
  execute function queue_tellings();
