"""What the MDS adapters share: the envelope, read leniently, and status rows, read strictly."""
