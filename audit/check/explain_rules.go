package check

// ruleInWords is the rule of a check that no SQL judges, as exact as words can be. Lines are wrapped for a terminal.
func ruleInWords(id string) string {
	switch id {
	case "consumer-contract":
		return `For each view that a consumer names: bad if no definition has a view of that
name, or if the contract's max_age is longer than the view's ttl. A view
without a ttl above 0 bounds no contract.`
	case "duplicate-keys":
		return `Rows are repeats of each other if all columns of the key are equal and none is
NULL, compared as values across all partitions, sources and types of the view;
with once_per only within one source, or one partition. Of n such rows one is
kept, the first by (ingested_at, nulls last; partition; path; row number); the
n-1 others are bad, where they lie. Candidates have equal 64-bit hashes; each
is compared by the key itself, so that no collision is counted.
A key is in conflict if a payload column differs, or if two of its event times
differ by neither 0 nor a UTC offset that was in use; else shifted_twin if two
differ by such an offset; else a replay.`
	case "duplicate-files":
		return `Files of one view that have the same size and the same footer are read and
compared by the SHA-256 of all their bytes. Of those that are equal one is kept,
the first by path; the others are bad. Hard links are named as such. Files
without rows, snapshots and files that once_per allows twice are left out.`
	case "mixed-encoding":
		return `Files are put together by how they write event_time: aware, naive, text with
offsets, text without, epochs. Milli-, micro- and nanoseconds of a type that
says its unit are no difference. If a view has more than one encoding, a file
is bad that writes another than most files do (of equals, most rows).`
	case "mixed-zones":
		return `The lags (ingested_at - event_time) of each source are counted by minute, over
rows with both times. The largest population is found first; its shape is then
looked for at every UTC offset that some zone had between the oldest and the
newest event (or at those of zones:), beyond what stands at quarter hours that
are no zone's offset. Rows of a population that is found are bad. Lags too
spread to tell, and a source that sits as a whole at one offset, are not
judged, and named.`
	case "schema-drift":
		return `The columns of each file are compared with those that most files of the view
have (of equals, most rows), sources with a path of their own apart. A file is
bad if a column is missing in it, new, or of another type. The event time
column is left out: mixed-encoding judges it.`
	case "shifted-twins":
		return `Of the repeats of a key, those count whose event times lie exactly one UTC
offset apart that was in use between the oldest and the newest event. Across
sources they must lie in one partition or neighbouring ones, with the same
offset in at least 3 keys of one pair of writers and 5 times the support of the
median other offset. Not judged where event_time is part of the key, across
snapshots, and where over half of the event times are quarter hours.`
	case "stale-entities":
		return `Of each entity's rows with event_time <= as_of the newest is taken; the entity
is bad if as_of - event_time > ttl, which is when a point-in-time join gives
null. With time_partition.of: snapshot it is bad if no snapshot younger than
the ttl holds it. Entities that only have rows after as_of are counted apart.`
	case "baseline-unused":
		return `An entry of the baseline is bad if its check was judged in its view, all files
of the view were read, and no finding has its fingerprint; or if a whole report
has no such check or view. Entries past their until, and those of what was not
looked at, are left out. With --range nothing is judged.`
	case "suppression-expired":
		return `A suppression is bad if as_of is at or after 00:00 UTC of its until.`
	case "suppression-unused":
		return `A suppression is bad if its check was judged in its view and nothing was found
that it matches; if the check could not look, that is not known. It is bad,
too, if no definition has a view of its name. With --range only that is judged.`
	case "ttl-absurd":
		return `Bad if ttl < 0, if 0 < ttl < 1s, or if ttl > 87660h (ten years).`
	case "ttl-unset":
		return `Bad if the ttl is not set, null or 0, and no {never: reason} says why.`
	case "zone-undeclared":
		return `A file is bad if it writes event_time without a zone (naive, text without
offsets, a date) and no zone is declared for it: not of the column, not of its
source, not of the view. It is read as UTC. zone: UTC is a declaration.`
	case "unreadable-file":
		return `Bad if a file that the view's paths match has a footer or rows that could not
be read, in partitions after as_of as well. The outcome is error; exit 3 where
another try may cure it, else 1. What other checks miss because of it is said
in their results. A view without any file is told of here, too: --missing-view
says whether it is an error, a failure or a warning.`
	}
	return ""
}
