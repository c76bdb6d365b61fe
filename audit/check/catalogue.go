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
