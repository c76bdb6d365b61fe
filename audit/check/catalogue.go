package check

// Catalogue lists every check, sorted by id.
func Catalogue() []Check {
	return []Check{
		baselineUnused,
		consumerContract,
		duplicateFiles,
		duplicateKeys,
		emptyPartitions,
		futureRows,
		misfiledRows,
		missingPartitions,
		mixedEncoding,
		mixedZones,
		nullEventTime,
		nullKeys,
		rewrittenPartitions,
		schemaDrift,
		shiftedTwins,
		sourceLag,
		staleEntities,
		staleRows,
		staleView,
		suppressionExpired,
		suppressionUnused,
		thickPartitions,
		thinPartitions,
		ttlAbsurd,
		ttlUnset,
		unreadableFile,
		zoneUndeclared,
	}
}

// Lookup finds a check by its id, those of a backfill included.
func Lookup(id string) (Check, bool) {
	for _, c := range append(Catalogue(), Backfill()...) {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}

// Reported are the ids of the checks that a report has a line for.
func Reported() []string {
	var ids []string
	for _, c := range Catalogue() {
		if !c.OnlyGiven {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
