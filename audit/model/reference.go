package model

// StaleReference is the instant that the ages of a view's rows are measured at: as declared, else when they arrived
// where a partition's date says so, else the end of their partition. It is empty where one file holds all history.
func (v View) StaleReference() Reference {
	switch {
	case v.Reference != ReferenceDefault:
		return v.Reference
	case !v.TimePartition.Declared():
		return ReferenceDefault
	case v.TimePartition.Of == OfIngestedAt:
		return ReferenceIngestedAt
	}
	return ReferencePartitionEnd
}
