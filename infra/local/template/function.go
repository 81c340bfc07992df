package template

import "time"

// Function is a Lambda function with all that its events and its role expand to.
type Function struct {
	Name          string // its door: the logical id in lower case, and its folder in functions/
	LogicalID     string
	Handler       string
	CodeURI       string
	Runtime       string
	Architectures []string
	Timeout       time.Duration
	Memory        int // MB
	Reserved      int // reserved concurrency; 0 is none
	Env           map[string]string
	Written       map[string]any // Env before it was resolved: {Ref: …} and the like
	Role          string         // name of the role's resource; empty when SAM would make one
	Log           string         // name of its log group
	OnFailure     string         // where a failed asynchronous invocation goes
	Routes        []Route
	Streams       []Stream
	Schedules     []Schedule
	Topics        []Topic
	Policy        []Statement // what its role allows and denies
}

// Route is one route of the HTTP API.
type Route struct {
	Event  string
	Method string
	Path   string
	Auth   bool // behind the JWT authorizer
}

// Key is the route's name in the API, e.g. "GET /v1/contacts/{id}".
func (r Route) Key() string { return r.Method + " " + r.Path }

// Stream is an event source mapping of a table's stream.
type Stream struct {
	Event     string
	Source    string // name of the stream, e.g. "Data.Table.StreamArn"
	Start     string
	Filters   []string // JSON patterns, any of which may match; none takes everything
	BatchSize int
	Partial   bool // the function reports which records failed
	Bisect    bool
	Retries   int
	MaxAge    time.Duration
	OnFailure string
}

// Schedule starts a function by the clock.
type Schedule struct {
	Event      string
	Expression string
	Zone       string
	Input      string
	Flexible   string // OFF, or how freely it may be late
	Disabled   bool
	Retries    int
	MaxAge     time.Duration
	DeadLetter string
}

// Topic is a subscription.
type Topic struct {
	Event      string
	Topic      string
	DeadLetter string
}

// Statement is one statement of a policy. Resources read as names: "Data.Table/index/due".
type Statement struct {
	Sid        string
	Effect     string
	Principals []string // of a resource's policy: "Service:ses.amazonaws.com"
	Actions    []string
	Resources  []string
	Conditions map[string]map[string][]string // operator → key → values
}

// API is the HTTP API.
type API struct {
	LogicalID  string
	Authorizer string // the default one; empty leaves every route open
	CORS       *CORS
	Throttled  map[string]Throttle // by route key; "" is the default
}

// CORS is what browsers of other origins may do.
type CORS struct {
	AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
	AllowCredentials                                        bool
	MaxAge                                                  int // seconds
}

// Throttle is a limit of requests.
type Throttle struct{ Burst, Rate float64 }
