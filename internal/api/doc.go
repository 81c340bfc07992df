// Package api is the door for HTTP: what a client may say, and what it is told.
//
// A [Door] is a group of routes that one function serves. An [API] collects doors on one mux; the functions each
// serve their own, and all of them together make the OpenAPI 3.1 document. [Handler] turns an API into the handler
// of a Lambda behind an HTTP API. Nothing is built before the first request asks for it, and a route's schema not
// before its own first request, because the start of a function is paid for.
//
// Routes are made by generic helpers, so that every route keeps the same conventions without thinking of them:
// [Read] and [List] answer ETags and 304, [Create] and [Act] keep Idempotency-Keys, [Patch], [Put] and [Remove]
// demand If-Match, [Compute] stores nothing, [Raw] answers what is no JSON. A handler gets the actor, checked
// parameters and a checked body, and answers a value or a fault; it never sees a header or decides a status.
//
// Bodies are read strictly: what the schema does not know, knows once, or wants otherwise is told field by field
// and never guessed. Schemas come from Go types through huma, which also is the model of the document; reading,
// checking and answering are done here, because the words people read and the paths of fields are part of the
// contract.
//
// Rights are not checked here but in the domain. This package only finds out who asks: a member by the claims of the
// authorizer, looked up live, or the holder of a link.
package api
