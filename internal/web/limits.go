package web

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"

	"authserver/internal/oauth"
)

// Time limits of a request.
const (
	RequestTimeout = 10 * time.Second // to read and handle it
	AnswerTimeout  = 10 * time.Second // to write its answer after that
)

// Bounds on a connection.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 60 * time.Second
	// maxHeaderBytes is 16 KiB together with the 4 KiB that net/http adds.
	maxHeaderBytes = 12 << 10
	// maxStreams is how many requests a connection over HTTP/2 may have at once. RFC 9113 §6.5.2
	// recommends no fewer. Each connection has a buffer for a frame, and for what has arrived for
	// streams that still wait.
	maxStreams  = 100
	http2Frame  = 16 << 10
	http2Window = 4 * oauth.MaxFormBytes
)

// NewOpsServer is a server without a limit for answers: a profile takes as long as the operator
// asks.
func NewOpsServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       RequestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // net/http would log what any caller sends
	}
}

// NewPublicServer is a server with all bounds; config is nil for plain http.
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
