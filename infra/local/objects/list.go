package objects

import (
	"encoding/json"

	"github.com/johannesboyne/gofakes3"
	"go.etcd.io/bbolt"
)

// walk calls fn for every version in the order of keys, newest first within a key, until fn answers false.
func walk(v *bbolt.Bucket, from string, fn func(key string, newest bool, x version) bool) error {
	c := v.Cursor()
	last := ""
	for k, b := c.Seek([]byte(from)); k != nil; k, b = c.Next() {
		key := string(k[:len(k)-len("\x00")-8])
		var x version
		if err := json.Unmarshal(b, &x); err != nil {
			return err
		}
		newest := key != last
		last = key
		if !fn(key, newest, x) {
			return nil
		}
	}
	return nil
}

func (s *store) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	out := gofakes3.NewObjectList()
	err := s.db.View(func(tx *bbolt.Tx) error {
		v, _, err := s.bucket(tx, bucket)
		if err != nil {
			return err
		}
		var count int64
		var group, marker string
		from := ""
		if page.HasMarker {
			from = page.Marker + "\x01"
		}
		return walk(v, from, func(key string, newest bool, x version) bool {
			var m gofakes3.PrefixMatch
			if !newest || x.Deleted || !prefix.Match(key, &m) {
				return true
			}
			if m.CommonPrefix && m.MatchedPart == group {
				marker = key // the next page begins behind the whole group
				return true
			}
			if page.MaxKeys > 0 && count == page.MaxKeys {
				out.IsTruncated, out.NextMarker = true, marker
				return false
			}
			count++
			marker = key
			if m.CommonPrefix {
				group = m.MatchedPart
				out.AddPrefix(m.MatchedPart)
				return true
			}
			out.Add(&gofakes3.Content{Key: key, ETag: gofakes3.FormatETag(x.MD5), Size: x.Size, LastModified: gofakes3.NewContentTime(x.Modified)})
			return true
		})
	})
	return out, err
}

// ListBucketVersions lists without paging: what a bucket on one machine holds fits one answer.
func (s *store) ListBucketVersions(bucket string, prefix *gofakes3.Prefix, page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	if page == nil {
		page = &gofakes3.ListBucketVersionsPage{}
	}
	out := gofakes3.NewListBucketVersionsResult(bucket, prefix, page)
	err := s.db.View(func(tx *bbolt.Tx) error {
		v, _, err := s.bucket(tx, bucket)
		if err != nil {
			return err
		}
		return walk(v, "", func(key string, newest bool, x version) bool {
			var m gofakes3.PrefixMatch
			switch {
			case !prefix.Match(key, &m):
			case m.CommonPrefix:
				out.AddPrefix(m.MatchedPart)
			case x.Deleted:
				out.Versions = append(out.Versions, &gofakes3.DeleteMarker{Key: key, VersionID: gofakes3.VersionID(x.ID), IsLatest: newest,
					LastModified: gofakes3.NewContentTime(x.Modified)})
			default:
				out.Versions = append(out.Versions, &gofakes3.Version{Key: key, VersionID: gofakes3.VersionID(x.ID), IsLatest: newest, Size: x.Size,
					ETag: gofakes3.FormatETag(x.MD5), LastModified: gofakes3.NewContentTime(x.Modified), StorageClass: gofakes3.StorageStandard})
			}
			return true
		})
	})
	return out, err
}
