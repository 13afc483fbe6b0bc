-- Objects that are to go from the storage, named until they are gone: a crash between the row and the file leaves nothing behind.

alter table recordings add column to_delete text[] not null default '{}'; -- keys in the storage
create index recordings_to_delete on recordings (call_id) where to_delete <> '{}';
