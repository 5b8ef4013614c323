package web

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"

	"authserver/internal/oauth"
)

// How long a request may take.
const (
	RequestTimeout = 10 * time.Second // to read it whole, and to work on it
	AnswerTimeout  = 10 * time.Second // to write its answer then
)

// Bounds on a connection.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 60 * time.Second
	// maxHeaderBytes is 16 KiB with the 4 KiB that net/http adds to what it is told.
	maxHeaderBytes = 12 << 10
	// maxStreams is how many requests a connection over HTTP/2 may have at once. RFC 9113
	// §6.5.2 recommends no fewer. Each connection keeps a buffer of a frame, and what has
	// arrived for streams whose turn it is not yet.
	maxStreams  = 100
	http2Frame  = 16 << 10
	http2Window = 4 * oauth.MaxFormBytes
)

// NewOpsServer is a server whose answers take as long as they do: profiles are asked to.
func NewOpsServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       RequestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // what strangers send is not our error
	}
}

// NewPublicServer is a server with bounds on everything; config is nil where it speaks
// plain http.
func NewPublicServer(handler http.Handler, config *tls.Config, logger *slog.Logger) *http.Server {
	s := NewOpsServer(handler, logger)
	s.WriteTimeout = RequestTimeout + AnswerTimeout
	s.TLSConfig = config
	s.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReadFrameSize:              http2Frame,
		MaxReceiveBufferPerStream:     oauth.MaxFormBytes,
		MaxReceiveBufferPerConnection: http2Window,
		WriteByteTimeout:              AnswerTimeout,
	}
	return s
}
