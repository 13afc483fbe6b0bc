-- Why one of our own rules asked for the end of a call, where the rule's name does not tell it.

alter table calls add column hangup_because text;
