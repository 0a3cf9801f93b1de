"""Steps from one form of the database to the next; run at the start by `control_room.storage.database`."""
