package server

import "golang.org/x/sys/unix"

// headroom is memory that the server never touches, so that none of it is resident. It counts as a
// part of the heap, which Go lets double before it collects garbage. Without it, a heap of a few
// megabytes would be collected dozens of times a second under load.
const headroom = 16 << 20

// reserveHeadroom allocates the headroom, which the caller has to keep alive. Go clears it if a
// part of it was in use before, and clearing makes it resident, so the function tells the kernel to
// take the pages back. If the kernel refuses, the headroom takes memory and nothing else happens.
func reserveHeadroom() []byte {
	room := make([]byte, headroom)
	_ = unix.Madvise(room, unix.MADV_DONTNEED) // see above
	return room
}
