package collect

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// seals say which hashes are hidden with the user's key before anything is done with them: those of sensitive columns that may be kept. Which
// writers are sampled, and which pairs, follows from their hashes, so these are hidden in runs that keep nothing too: the report is the same.
type seals struct {
	hasher                  *sensitive.Hasher
	keys, entities, writers bool
}

func (c *collector) newSeals(kept bool) seals {
	h, v := c.request.Hasher, c.roles.view
	if h == nil {
		return seals{}
	}
	hides := func(columns []string) bool { return slices.ContainsFunc(columns, v.Hides) }
	return seals{hasher: h, keys: hides(v.Key) && (kept || !c.narrow()), entities: hides(v.Entity) && kept, writers: hides(writerColumns(v))}
}

// digest is what kept facts rest on: under another key nothing is the same. It is nil where nothing is hidden.
func (s seals) digest() any {
	if !s.keys && !s.entities && !s.writers {
		return nil
	}
	return []any{s.hasher.KeyID(), s.keys, s.entities, s.writers}
}

func (s seals) key(hash uint64) uint64 {
	if s.keys {
		hash, _ = s.hasher.Sum(sensitive.RoleKey, hash, 0)
	}
	return hash
}

// sealedIdentities remembers identities that were hidden last, since writers and entities come again. It belongs to one goroutine.
type sealedIdentities struct{ known []sealedIdentity }

type sealedIdentity struct {
	known  bool
	id, as entityID
}

// rememberedIdentities are so many as stay in a core's cache.
const rememberedIdentities = 1 << 12

func (s *sealedIdentities) identity(h *sensitive.Hasher, id entityID) entityID {
	if s.known == nil {
		s.known = make([]sealedIdentity, rememberedIdentities)
	}
	at := &s.known[(id.Lo^id.Hi)*placeFactor>>52]
	if !at.known || at.id != id {
		low, high := h.Sum(sensitive.RoleIdentity, id.Lo, id.Hi)
		*at = sealedIdentity{known: true, id: id, as: entityID{Lo: low, Hi: high}}
	}
	return at.as
}
