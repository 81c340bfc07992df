package stripe

import "go.etcd.io/bbolt"

// page is what a list request asks for; lists are newest first.
type page struct {
	limit int64
	after string
}

func readPage(f form) (page, *apiError) {
	p := page{limit: 10, after: f.text("starting_after")}
	if f.has("limit") {
		var e *apiError
		if p.limit, e = f.integer("limit"); e != nil {
			return p, e
		}
		if p.limit < 1 || p.limit > 100 {
			return p, invalid("", "limit", "Invalid limit: it must be between 1 and 100.")
		}
	}
	return p, nil
}

// list answers one page of a kind. pick renders the object with an id, or answers nil to leave it out and whether
// older ones may still fit.
func list[T stored](tx *bbolt.Tx, p page, path string, pick func(id string) (map[string]any, bool, error), zero T) (map[string]any, error) {
	var below uint64
	if p.after != "" {
		ok, err := load(tx, p.after, zero)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, noSuchParam(zero.kind(), p.after, "starting_after")
		}
		below = zero.head().Seq
	}
	data, more := []any{}, false
	err := newest(tx, zero.kind(), below, func(id string) (bool, error) {
		out, older, err := pick(id)
		if err != nil || out == nil {
			return older, err
		}
		if int64(len(data)) == p.limit {
			more = true
			return false, nil
		}
		data = append(data, out)
		return older, nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"object": "list", "url": path, "has_more": more, "data": data}, nil
}
