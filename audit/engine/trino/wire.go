package trino

import (
	"compress/gzip"
	"io"
	"net/http"
	"sync/atomic"
)

// wire asks the coordinator to compress what it answers, and counts the bytes of answers as they come here.
type wire struct {
	next     http.RoundTripper
	received *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := request.Clone(request.Context())
	asked.Header.Set("Accept-Encoding", "gzip")
	response, err := w.next.RoundTrip(asked)
	if err != nil {
		return nil, err
	}
	response.Body = counted{response.Body, w.received}
	if response.Header.Get("Content-Encoding") == "gzip" {
		response.Body = &unzipped{packed: response.Body}
		response.Header.Del("Content-Encoding")
		response.Header.Del("Content-Length")
		response.ContentLength, response.Uncompressed = -1, true
	}
	return response, nil
}

// counted adds up what is read.
type counted struct {
	io.ReadCloser
	received *atomic.Int64
}

func (c counted) Read(into []byte) (int, error) {
	n, err := c.ReadCloser.Read(into)
	c.received.Add(int64(n))
	return n, err
}

// unzipped reads what was compressed. Nothing is read before somebody asks for it.
type unzipped struct {
	packed io.ReadCloser
	zip    *gzip.Reader
}

func (u *unzipped) Read(into []byte) (int, error) {
	if u.zip == nil {
		zip, err := gzip.NewReader(u.packed)
		if err != nil {
			return 0, err
		}
		u.zip = zip
	}
	return u.zip.Read(into)
}

func (u *unzipped) Close() error { return u.packed.Close() }
