//go:build trino

package trino_test

import (
	"testing"
)

// TestTwoNodes counts on a coordinator and a worker of another process: the answers are those of one node.
func TestTwoNodes(t *testing.T) {
	db := openDatabase(t)
	var nodes int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM system.runtime.nodes WHERE state = 'active'").Scan(&nodes); err != nil {
		t.Fatal(err)
	}
	if nodes != 2 {
		t.Fatalf("the cluster has %d nodes, want 2: make test-trino starts them", nodes)
	}
	s := newStore(t, days+"-- data/dt=2026-11-09/again.parquet --\n    "+plainColumns+"\n10x 2026-11-09-{i} | {i} | 2026-11-09T01:00:00.123456Z +97s | 2026-11-09T01:01:00.654321Z +97s | 1.00 +1.00\n")
	found := s.looked(collectorOf(t), s.declare(db, "features", "timestamp", true))
	if rows, unread := rowsOf(found); rows != 40 || len(unread) != 0 {
		t.Errorf("%d rows, unread %q; want 40 and none", rows, unread)
	}
	if k := found.Collection.Keys; k == nil || k.RepeatedKeys != 10 || k.ReplayKeys != 10 || k.SurplusRows != 10 {
		t.Errorf("keys %+v, want ten that are replayed once", found.Collection.Keys)
	}
	if e := found.Collection.Entities; e == nil || e.Judged != 10 {
		t.Errorf("entities %+v, want ten", found.Collection.Entities)
	}
	var worked int
	if err := db.QueryRowContext(t.Context(), "SELECT count(DISTINCT node_id) FROM system.runtime.tasks").Scan(&worked); err != nil {
		t.Fatal(err)
	}
	if worked != 2 {
		t.Errorf("%d nodes had tasks, want 2", worked)
	}
}
