package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// entry is a file of a bundle.
type entry struct {
	name string // slash-separated
	*file
}

// file is the content of a file, compressed.
type file struct {
	hash       [sha256.Size]byte
	crc        uint32
	size       uint64 // bytes before compression
	compressed []byte
}

// store compresses a file once, however many bundles it is in.
type store struct {
	known map[string]*file
}

// read returns the file at the path.
func (s *store) read(path string) (*file, error) {
	if f := s.known[path]; f != nil {
		return f, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := compress(content)
	s.known[path] = f
	return f, err
}

func compress(content []byte) (*file, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &file{sha256.Sum256(content), crc32.ChecksumIEEE(content), uint64(len(content)), b.Bytes()}, nil
}

// begin is the first moment that a zip can tell: entries carry no time of their own.
var begin = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archive writes the entries, in their order, as a zip.
func archive(w io.Writer, entries []entry) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		header := &zip.FileHeader{
			Name: e.name, Method: zip.Deflate, Modified: begin,
			CRC32: e.crc, UncompressedSize64: e.size, CompressedSize64: uint64(len(e.compressed)),
		}
		header.SetMode(0o644)
		part, err := z.CreateRaw(header)
		if err != nil {
			return err
		}
		if _, err := part.Write(e.compressed); err != nil {
			return err
		}
	}
	return z.Close()
}
