// Package outside makes the clients of what several functions talk to: the bucket of documents and the payment provider.
package outside

import (
	"onebook/internal/app"
	"onebook/internal/archive"
	"onebook/internal/s3blob"
)

// Blobs is the bucket of documents.
func Blobs(x *app.Product) *s3blob.Blobs {
	return s3blob.New(x.Env["BUCKET"], s3blob.Options{Region: x.Region, Credentials: x.Credentials, Endpoint: x.S3, HTTP: x.HTTP})
}

// Archive hands out the documents in it.
func Archive(x *app.Product) *archive.Service {
	return &archive.Service{Table: x.Table, Records: x.Records, IDs: x.IDs, Blobs: Blobs(x), Now: x.Machine, Clock: x.Now}
}
