package storetest

import (
	"fmt"
	"testing"

	"onebook/internal/store"
)

// sized is an item of exactly n bytes as the table counts: pk+2, sk+2, v: 1+2, t: 1+5, b: 1+body, w: 1+16.
func sized(tb testing.TB, pk, sk string, n int) store.Item {
	const around = 2 + 2 + 3 + 6 + 1 + 17
	it := item(pk, sk, "")
	it.Body = Body(tb, n-around-len(pk)-len(sk))
	return it
}

func itemLimit(t *testing.T, s *subject) {
	s.write(store.Put(sized(t, "P", "fits", store.MaxItemBytes)))
	s.refused(store.ErrTooLarge, store.Put(sized(t, "P", "over", store.MaxItemBytes+1)))
	s.absent(store.Key{PK: "P", SK: "over"})
}

func writeLimit(t *testing.T, s *subject) {
	const n = 16
	const room = 64 // of its condition, which counts as well
	ops := make([]store.Op, n)
	it := sized(t, "P", "00", store.MaxTxBytes/n-room)
	for i := range ops {
		it.SK = fmt.Sprintf("%02d", i)
		ops[i] = store.Put(it)
	}
	s.refused(store.ErrTooLarge, append(ops[:n:n], s.claim())...)
	s.same(len(s.all(store.Query{Partition: "P"})), 0)
	s.write(ops...)
	s.same(len(s.all(store.Query{Partition: "P"})), n)
}

func pageLimit(t *testing.T, s *subject) {
	const n, size = 25, 100 << 10
	one := sized(t, "P", "00", size)
	for i := range n {
		it := one
		it.SK = fmt.Sprintf("%02d", i)
		it.Book = store.Key{PK: "2026-01-05#0", SK: it.SK}
		it.List = store.Key{PK: "thing#open#0", SK: it.SK}
		s.write(store.Put(it))
	}
	for _, q := range []store.Query{
		{Partition: "P"}, {Partition: "P", Desc: true}, {Partition: "P", Limit: 7},
		{Index: store.Book, Partition: "2026-01-05#0"}, {Index: store.ByList, Partition: "thing#open#0"},
	} {
		seen, pages := map[string]bool{}, 0
		for {
			p, err := s.Table.List(s.ctx, q)
			if err != nil {
				s.Fatal(err)
			}
			bytes := 0 // but for the last: DynamoDB Local ends a page after the item that passes 1 MB
			for i, it := range p.Items {
				if i < len(p.Items)-1 && len(it.Body) > 0 {
					bytes += size
				}
				if seen[it.SK] {
					s.Fatalf("%+v shows %s twice", q, it.SK)
				}
				seen[it.SK] = true
			}
			if pages++; bytes > store.MaxPageBytes {
				s.Fatalf("%+v: a page of %d bytes", q, bytes)
			}
			if q.Cursor = p.Cursor; q.Cursor == "" {
				break
			}
		}
		// Entries of the list have no bodies; DynamoDB Local counts these all the same, so their pages may be few or many.
		if len(seen) != n || (pages < 3 && q.Index != store.ByList) {
			s.Fatalf("%+v shows %d items on %d pages", q, len(seen), pages)
		}
	}
}
