// Package settings has the function that serves the organisation itself. It is alone because it looks into logos, with what
// draws documents.
package settings

import (
	"context"
	"time"

	"onebook/internal/api"
	"onebook/internal/app"
	"onebook/internal/app/door"
	"onebook/internal/app/outside"
	"onebook/internal/document"
	"onebook/internal/letter"
	"onebook/internal/s3blob"
	"onebook/internal/upload"
)

// Function serves organisation, tax, members and issues, and the API's description.
func Function(x *app.Product) (app.Handler, error) {
	return door.Serve(x, []api.Door{api.Manual(), api.Settings{
		Org: x.Org, Members: x.Members, Desk: x.Desk, Second: x.Second, Table: x.Table, Records: x.Records, Now: x.Now,
		Letters: &letter.Desk{Table: x.Table, Issues: x.Desk, Clients: app.Clients{Contacts: x.Contacts}, IDs: x.IDs, Now: x.Now},
		Uploads: &upload.Service{
			Table: x.Table, Records: x.Records, Blobs: files{outside.Blobs(x)}, IDs: x.IDs, Now: x.Now, Machine: x.Machine,
			Flatten: document.FlattenLogo,
		},
	}.Door()}, "TABLE", "BUCKET", "ISSUER", "USER_POOL_CLIENT_ID")
}

// files are the bucket as uploads see it.
type files struct{ *s3blob.Blobs }

// PresignPut makes an address for one body.
func (f files) PresignPut(ctx context.Context, key, contentType string, size int64, sum string, ttl time.Duration) (string, map[string]string, error) {
	u, err := f.Blobs.PresignPut(ctx, key, contentType, size, sum, ttl)
	return u.URL, u.Headers, err
}
