package sale

import "time"

// PDF is the one object of an issued document.
type PDF struct {
	Key     string    `json:"key"`
	SHA256  string    `json:"sha256"`
	Bytes   int       `json:"bytes"`
	Version string    `json:"version,omitempty"` // of the object in the bucket
	Earlier []string  `json:"earlier,omitempty"` // versions with the same bytes that were the current one before
	Lost    string    `json:"lost,omitempty"`    // what the bucket showed instead; while it is being restored
	ReadyAt time.Time `json:"readyAt"`
	Lacking []string  `json:"lacking,omitempty"` // characters that it names because no font has them, as U+4E2D
}
