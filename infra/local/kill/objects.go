package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The local bucket, its key and its place.
const (
	bucket      = "/_local/s3/onebook-documents"
	bucketKey   = "local"
	bucketPlace = "us-east-1"
	emptyBody   = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// objects lists the bucket, which no route of the API does: one document for each invoice, written once.
func (r *reader) objects(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Base+bucket+"?prefix=documents%2F&versions=", nil)
	if err != nil {
		return err
	}
	key := aws.Credentials{AccessKeyID: bucketKey, SecretAccessKey: bucketKey}
	if err := v4.NewSigner().SignHTTP(ctx, key, req, emptyBody, "s3", bucketPlace, time.Now()); err != nil {
		return err
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyBody)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var list struct {
		Truncated bool `xml:"IsTruncated"`
		Versions  []struct {
			Key string
		} `xml:"Version"`
	}
	if err := xml.NewDecoder(res.Body).Decode(&list); err != nil || res.StatusCode != http.StatusOK || list.Truncated {
		return fmt.Errorf("the bucket answers %d, truncated %t: %v", res.StatusCode, list.Truncated, err)
	}
	versions := map[string]int{}
	for _, v := range list.Versions {
		document, _, _ := strings.Cut(strings.TrimPrefix(v.Key, "documents/"), "/")
		versions[document]++
	}
	want := map[string]int{}
	for _, l := range r.lives {
		want[l.invoice], want[l.estimate] = 1, 1
	}
	r.same("versions of documents in the bucket", want, versions)
	return nil
}
